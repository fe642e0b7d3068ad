"""What a service has for itself on a server that keeps nothing apart: the way there. For other protocols, too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import ClassVar, Final
from urllib.parse import urlsplit

from harness.addresses import HostPort
from harness.protocols.contract.probes import NotUnderstoodError, Probe, Said
from harness.protocols.contract.storage import Own, Share, Storage
from harness.protocols.tcp.probes import ConnectionsProbe
from harness.protocols.tcp.server import StubServer

__all__ = ["STORAGE", "Way", "WayThere"]


@dataclass(frozen=True, slots=True)
class Way:
    """See `Own`. `port`: the server's own. `in_tls`: the URL's scheme where the service has to speak TLS."""

    in_tls: ClassVar[str] = "tls"
    admin_url: str
    port: int

    def words(self, at: HostPort, *, tls: bool) -> Mapping[str, str]:
        """See `Own`. The URL has the path of the server's own."""
        own = urlsplit(self.admin_url)
        scheme = self.in_tls if tls else own.scheme
        return {"url": f"{scheme}://{at}{own.path.rstrip('/')}", "host": at.host, "port": str(at.port)}

    async def forget(self) -> None:
        """Nothing is remembered."""

    async def execute(self, text: str) -> Said:
        """Refuse: a server of which nothing is known understands nothing."""
        raise NotUnderstoodError(f"plain TCP has no statements: {text!r}")

    def probe(self) -> Probe:
        """Return what counts connections."""
        return ConnectionsProbe(self.port)


class WayThere:
    """See `Storage`: every service gets the same way."""

    way: ClassVar[type[Way]] = Way

    @asynccontextmanager
    async def own(self, server: StubServer, share: Share) -> AsyncIterator[Own]:
        """Give the way there."""
        del share
        yield self.way(server.url, server.port)

    async def make_template(self, server: StubServer) -> Own:
        """Give `prepare` the way there, too."""
        return self.way(server.url, server.port)

    async def keep_template(self, server: StubServer) -> None:
        """Nothing is copied."""

    async def drop_template(self, server: StubServer) -> None:
        """Nothing was made."""


STORAGE: Final[Storage[StubServer]] = WayThere()
