"""What laying a link asks of a protocol: what each service gets for itself on a server that many services share.

The implementation is `STORAGE` in `harness/protocols/NAME/storage.py`. A database, a role, a range of keys or a path
that only one service uses: so what the server says of them is evidence about that service.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from harness.addresses import HostPort
from harness.protocols.contract.probes import Probe, Said
from harness.protocols.registry import Facet

__all__ = ["STORAGE", "Own", "Share", "Storage"]

ServerT_contra = TypeVar("ServerT_contra", contravariant=True)
"""The protocol's own server: what its `SERVER` starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Which part of a server is made, and for whom.

    `link`: the link's name. `number`: counts the services of this stack; link and number together are unique.
    `alone`: no other service uses the server meanwhile. `prepared`: `make_template` has been called, and not undone:
    the part begins as a copy of it. `cheap_login`: the service logs in thousands of times.
    """

    link: str
    number: int
    alone: bool = True
    prepared: bool = False
    cheap_login: bool = False

    @property
    def name(self) -> str:
        """A name that no other service's part has: "orders_17"."""
        return f"{self.link}_{self.number}"


class Own(Protocol):
    """What one service has for itself on a server."""

    @property
    def admin_url(self) -> str:
        """The URL by which the harness itself gets there, past relay and Toxiproxy, with all privileges."""
        ...

    def words(self, at: HostPort, *, tls: bool) -> Mapping[str, str]:
        """Return a value for each of `About.placeholders`, as the service needs it to connect to `at`.

        `tls`: it has to speak TLS there. The address is the relay's, or for `prepare` perhaps the server's own.
        """
        ...

    async def forget(self) -> None:
        """Remove what the server only remembers for the service, as a cache does; nothing where it stores.

        May raise whatever the client library raises.
        """
        ...

    async def execute(self, text: str) -> Said:
        """Have the server execute a text of the user's, in a session of its own (`server.execute`).

        Raises:
            NotUnderstoodError: the server does not understand the text.
            Exception: whatever else the client library raises.
        """
        ...

    def probe(self) -> Probe:
        """Return what asks the server about this service."""
        ...


class Storage(Protocol[ServerT_contra]):
    """Makes and removes such parts. All are called in a run's event loop; none may leave a connection open."""

    def own(self, server: ServerT_contra, share: Share) -> AbstractAsyncContextManager[Own]:
        """Make one service's part for as long as the block lasts. At its end nothing of it is left.

        May raise whatever the client library raises: the run is then inconclusive.
        """
        ...

    async def make_template(self, server: ServerT_contra) -> Own:
        """Make an empty part that the target's `prepare` command fills; each service's begins as a copy of it.

        A protocol whose services begin with nothing returns a part to which `prepare` may connect.
        """
        ...

    async def keep_template(self, server: ServerT_contra) -> None:
        """`prepare` has ended well: from now on nobody connects to the template, and it is copied."""
        ...

    async def drop_template(self, server: ServerT_contra) -> None:
        """Remove the template; no matter if there is none."""
        ...


STORAGE: Final[Facet[Storage[Any]]] = Facet("storage", "STORAGE")
