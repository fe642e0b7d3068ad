"""What a target description may configure of one server: a table `[servers.NAME]`, validated by the protocol's model.

The implementation is `OPTIONS` in `harness/protocols/NAME/options.py`: a subclass of `ServerOptions`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.documents import Table
from harness.protocols.contract.about import server_title
from harness.protocols.registry import Facet

__all__ = ["OPTIONS", "ServerOptions", "ServerWanted"]


class ServerOptions(Table):
    """The keys of `[servers.NAME]`. All have defaults, for targets without that table."""


OPTIONS: Final[Facet[type[ServerOptions]]] = Facet("options", "OPTIONS")


@dataclass(frozen=True, slots=True)
class ServerWanted:
    """One server that a target's links need.

    `name`: unique in the stack; the protocol's name unless the target says otherwise.
    """

    name: str
    protocol: str
    options: ServerOptions

    @property
    def title(self) -> str:
        """The server's name for readers: "PostgreSQL", or "PostgreSQL (ledger)" if it has another name."""
        return server_title(self.protocol, self.name)

    @classmethod
    def plain(cls, protocol: str, name: str | None = None) -> ServerWanted:
        """A server with the protocol's default options. Raises UsageError for a protocol that is not registered."""
        return cls(name or protocol, protocol, OPTIONS.of(protocol)())
