"""What a link needs from a protocol: the part of a shared server that belongs to one service alone.

The implementation is `STORAGE` in `harness/protocols/NAME/storage.py`. The part is a database, a role, a range of keys
or a path. Only one service uses it, so what the server reports about it is evidence about that service.
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
    """Which part of a server to make, and for which service.

    `link`: the link's name. `number`: counts the services of this stack; link and number together are unique. `alone`:
    no other service uses the server at the same time. `prepared`: there is a template of `make_template`, and the part
    begins as a copy of it. `cheap_login`: the service logs in thousands of times. `remembers_s`: how long a key of the
    service lives, according to the target.
    """

    link: str
    number: int
    alone: bool = True
    prepared: bool = False
    cheap_login: bool = False
    remembers_s: float | None = None

    @property
    def name(self) -> str:
        """A unique name for the part: "orders_17"."""
        return f"{self.link}_{self.number}"


class Own(Protocol):
    """The part of a server that belongs to one service."""

    @property
    def admin_url(self) -> str:
        """The URL by which the harness itself connects, without relay and Toxiproxy, with all privileges."""
        ...

    def words(self, at: HostPort, *, tls: bool) -> Mapping[str, str]:
        """Return a value for each of `About.placeholders`, as the service needs it to connect to `at`.

        `tls`: whether the service must speak TLS there. The address is the relay's, or for `prepare` perhaps the
        server's own.
        """
        ...

    async def forget(self) -> None:
        """Remove what the server only caches for the service; do nothing if it stores.

        May raise any error of the client library.
        """
        ...

    async def execute(self, text: str) -> Said:
        """Let the server execute the user's text in a separate session (`server.execute`).

        Raises:
            NotUnderstoodError: the server does not understand the text.
            UnreachedError: no session could be opened, for example because the server is away.
            Exception: any other error of the client library.
        """
        ...

    def probe(self) -> Probe:
        """Return the probe that asks the server about this service."""
        ...

    def empty_beside(self) -> AbstractAsyncContextManager[Own]:
        """Make another, empty part of the same service, for `prepare` to fill. It is removed with the block.

        A protocol whose services begin with nothing returns this part itself.
        """
        ...


class Storage(Protocol[ServerT_contra]):
    """Makes and removes such parts. All methods run in the run's event loop; none may leave a connection open."""

    def own(self, server: ServerT_contra, share: Share) -> AbstractAsyncContextManager[Own]:
        """Make one service's part for the block, and remove it at the end.

        May raise any error of the client library: the run is then inconclusive.
        """
        ...

    async def make_template(self, server: ServerT_contra) -> Own:
        """Make an empty part, which the target's `prepare` command fills. Each service's part begins as its copy.

        A protocol whose services begin with nothing returns a part to which `prepare` can connect.
        """
        ...

    async def keep_template(self, server: ServerT_contra) -> None:
        """`prepare` has succeeded: make the template ready to be copied. After this call nothing connects to it."""
        ...

    async def drop_template(self, server: ServerT_contra) -> None:
        """Remove the template, if there is one."""
        ...


STORAGE: Final[Facet[Storage[Any]]] = Facet("storage", "STORAGE")
