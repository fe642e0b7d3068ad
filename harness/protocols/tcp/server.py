"""A server to which a service connects over plain TCP: a stub that the harness starts, or the user's own by URL.

`StubServer` is for stubs of other protocols, too.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar, Final, Self

from harness.addresses import HostPort
from harness.errors import UsageError
from harness.processes.bare import bare_command
from harness.processes.keeper import ProcessSpec
from harness.protocols.contract.server import ServerKind
from harness.protocols.tcp.options import TcpOptions
from harness.stack.servers.readiness import NotReadyError
from harness.stack.servers.recipes import ProgramRecipe
from harness.stack.servers.server import Launch, Server
from harness.stack.servers.urls import PLACE, checked_url

__all__ = ["SERVER", "StubServer", "TcpServer"]

CONNECT_WITHIN_S: Final = 2.0
EMBEDDED: Final = "embedded"


@dataclass(frozen=True, slots=True, kw_only=True)
class StubRecipe(ProgramRecipe):
    """How ServerProcess starts a stub: `module` in a bare interpreter, with `argument` and the port as arguments."""

    module: str
    argument: str

    def spec(self, port: int) -> ProcessSpec:
        """Return how to start it."""
        return self.program(*bare_command(self.module, self.argument, str(port), site_packages=True), locale="C.UTF-8")

    def probe(self, port: int) -> None:
        """Check that it accepts a connection."""
        try:
            _connect(HostPort("127.0.0.1", port))
        except OSError as error:
            raise NotReadyError(str(error)) from error


class StubServer(Server):
    """A stub, or a server that the user runs instead. A subclass names its protocol, and starts its stub."""

    stub: ClassVar[str]
    """The stub's version, a fixed text."""

    @classmethod
    def started(cls, launch: Launch, program: str | None, argument: str) -> Self:
        """Start the module `stub` of the protocol's folder. `argument`: see `StubRecipe`."""
        name = launch.name or cls.protocol
        module = f"harness.protocols.{cls.protocol}.stub"
        recipe = StubRecipe(name=name, module=module, argument=argument, folder=launch.folder, log=launch.log(name))
        run = launch.started(recipe)
        return cls(f"{cls.protocol}://127.0.0.1:{run.port}", program or cls.stub, run=run, name=name)

    @classmethod
    def find(cls, wanted: str) -> str:
        """Return the stub's version. No other program can be named: see `ServerKind.find`."""
        if wanted != EMBEDDED:
            problem, mend = "the stub has no other program", "write the URL of a server that you run, or 'embedded'"
            raise UsageError.at(PLACE, cls.protocol, wanted, problem, mend=mend)
        return cls.stub

    @classmethod
    def at_url(cls, url: str, *, name: str | None = None, allow_hosts: Collection[str] = frozenset()) -> Self:
        """Use a server that already runs. It is only checked that it accepts connections.

        Raises UsageError for a host that is neither this machine nor in `allow_hosts`, and if no server listens there.
        """
        address = checked_url(
            cls.protocol, url, schemes=(cls.protocol,), default_port=cls.default_port, allow_hosts=allow_hosts
        )
        try:
            _connect(address)
        except OSError as error:
            problem, mend = f"no server accepts connections at {address}: {error}", "start that server, or mend the URL"
            raise UsageError.at(PLACE, cls.protocol, url, problem, mend=mend) from error
        return cls(url, "given by URL", name=name)

    @property
    def url(self) -> str:
        """Its URL, with the path that the user gave."""
        return self._url


class TcpServer(StubServer):
    """A server that accepts bytes. Made by `start`, which starts the stub, or `at_url`."""

    protocol = "tcp"
    default_port = 7  # of the echo protocol
    stub = "stub"

    @classmethod
    def start(cls, launch: Launch, program: str | None = None, options: TcpOptions | None = None) -> TcpServer:
        """Start the stub. Raises HarnessError with the log's tail."""
        return cls.started(launch, program, (options or TcpOptions()).answers)


SERVER: Final[ServerKind[str, TcpOptions]] = TcpServer


def _connect(address: HostPort) -> None:
    socket.create_connection((address.host, address.port), CONNECT_WITHIN_S).close()
