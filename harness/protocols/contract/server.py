"""What the stack needs from a protocol: how its server is found, started, and used if the user runs it.

The implementation is `SERVER` in `harness/protocols/NAME/server.py`: usually the subclass of
`harness.stack.servers.server.Server` itself, with these as class methods. A server of one protocol may run several
times in a stack, under different names.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from harness.protocols.registry import Facet

if TYPE_CHECKING:  # the stack imports this contract, and either may be imported first
    from harness.stack.servers.server import Launch, Server

__all__ = ["SERVER", "ServerKind"]

ProgramT = TypeVar("ProgramT")
"""The value that `find` returns and `start` takes. Its `str` is the version and place, for `harness doctor`."""
OptionsT_contra = TypeVar("OptionsT_contra", contravariant=True)
"""The protocol's own model of options, `OPTIONS`."""


class ServerKind(Protocol[ProgramT, OptionsT_contra]):
    """A protocol's servers. Every method blocks; `start` and `at_url` run in threads, several at once."""

    def find(self, wanted: str) -> ProgramT:
        """Find and check the program. Called before any server starts; must leave no process running.

        Args:
            wanted: "embedded", or the path that the user named.

        Raises:
            UsageError: the path is not such a program, or it is too old.
            HarnessError: the package with the embedded program is not installed, or the program does not run here.
        """
        ...

    def start(self, launch: Launch, program: ProgramT, options: OptionsT_contra) -> Server:
        """Start a server in the launch's folder, under the launch's name; return when it answers.

        `launch.started(recipe)` does what all servers need: ports, readiness, noticing an unexpected end. If this
        raises, it must have stopped what it started.

        Raises:
            HarnessError: the server does not start; the error shows the end of its log.
        """
        ...

    def at_url(self, url: str, *, name: str | None = None, allow_hosts: Collection[str] = frozenset()) -> Server:
        """Use a server that the user runs.

        `harness.stack.servers.urls.checked_url` refuses other schemes, and hosts that are not this machine's and not in
        `allow_hosts`.

        Raises:
            UsageError: the URL is refused, or the server does not answer, is too old or lacks a privilege; without
                the URL's password.
        """
        ...


SERVER: Final[Facet[ServerKind[Any, Any]]] = Facet("server", "SERVER")
