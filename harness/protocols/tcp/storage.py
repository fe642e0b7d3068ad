"""A service's part of a server that keeps nothing per service: its address. Other protocols use it, too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import ClassVar, Final, Generic, TypeVar
from urllib.parse import urlsplit

from harness.addresses import HostPort
from harness.protocols.contract.probes import NotUnderstoodError, Probe, Said
from harness.protocols.contract.storage import Own, Share, Storage
from harness.protocols.tcp.probes import ConnectionsProbe
from harness.protocols.tcp.server import StubServer

__all__ = ["STORAGE", "Way", "WayThere"]

StubT = TypeVar("StubT", bound=StubServer)


@dataclass(frozen=True, slots=True)
class Way:
    """See `Own`. `port`: the server's own. `in_tls`: the URL's scheme if the service has to speak TLS."""

    in_tls: ClassVar[str] = "tls"
    admin_url: str
    port: int

    def words(self, at: HostPort, *, tls: bool) -> Mapping[str, str]:
        """See `Own`. The URL has the path of the server's own."""
        own = urlsplit(self.admin_url)
        scheme = self.in_tls if tls else own.scheme
        return {"url": f"{scheme}://{at}{own.path.rstrip('/')}", "host": at.host, "port": str(at.port)}

    async def forget(self) -> None:
        """Do nothing: the server caches nothing for the service."""

    async def execute(self, text: str) -> Said:
        """Refuse: such a server has no texts to execute."""
        raise NotUnderstoodError(f"plain TCP has no statements: {text!r}")

    def probe(self) -> Probe:
        """Return a probe that counts connections."""
        return ConnectionsProbe(self.port)

    @asynccontextmanager
    async def empty_beside(self) -> AsyncIterator[Own]:
        """See `Own`: the server keeps nothing for the service."""
        yield self


class WayThere(Generic[StubT]):
    """See `Storage`: every service gets the same address."""

    def way(self, server: StubT) -> Way:
        """Return the address."""
        return Way(server.url, server.port)

    @asynccontextmanager
    async def own(self, server: StubT, share: Share) -> AsyncIterator[Own]:
        """Return the address."""
        del share
        yield self.way(server)

    async def make_template(self, server: StubT) -> Own:
        """Return the address for `prepare`, too."""
        return self.way(server)

    async def keep_template(self, server: StubT) -> None:
        """Do nothing: nothing is copied."""

    async def drop_template(self, server: StubT) -> None:
        """Do nothing: nothing was made."""


STORAGE: Final[Storage[StubServer]] = WayThere()
