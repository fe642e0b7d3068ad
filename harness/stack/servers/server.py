"""The common base of all servers of the stack, started by the harness or given by URL."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from harness.addresses import HostPort
from harness.closing import Closing
from harness.processes.keeper import Keeper, KeptProcess, LogFile
from harness.stack.servers.deaths import DeathWatch
from harness.stack.servers.process import Recipe, ServerProcess, Shutdown, not_owned
from harness.stack.servers.urls import redacted
from harness.stack.tcp.ports import Ports, pick_port


@dataclass(frozen=True, slots=True)
class Launch:
    """Where one of the harness's servers starts.

    `folder`: exists, private to this server. `name`: the server's name in errors, deaths and the log file; None: its
    protocol's name. The log is `NAME.log` in `logs`, or by default in `folder`.
    """

    keeper: Keeper
    folder: Path
    name: str | None = field(default=None, kw_only=True)
    logs: Path | None = field(default=None, kw_only=True)
    deaths: DeathWatch = field(default_factory=DeathWatch, kw_only=True)
    ports: Ports = field(default=pick_port, kw_only=True)

    def log(self, name: str) -> Path:
        """Return the log file of a server called `name`."""
        return (self.logs or self.folder) / f"{name}.log"

    def started(self, recipe: Recipe) -> ServerProcess:
        """Start the server's process; returns when it is ready. Raises HarnessError with the log's tail."""
        run = ServerProcess(self.keeper, recipe, self.deaths, self.ports)
        run.start()
        return run


class Server(Closing):
    """A context manager whose end stops a server that the harness owns. A server given by URL is left alone.

    A protocol's server is a subclass with two class methods: `start(launch, ...)` and `at_url(url, ...)`.
    """

    protocol: ClassVar[str]
    """Its name, unless the target gives it another one: "postgres"."""
    default_port: ClassVar[int]

    def __init__(self, url: str, version: str, *, run: ServerProcess | None = None, name: str | None = None) -> None:
        """`url`: contains everything that the harness needs to log in.

        `run`: the process; None: the server was given by URL.
        """
        self._url = url
        self._run = run
        self.name = name or self.protocol
        self.version = version
        """The version that the server reports: "18.6"."""

    def close(self) -> None:
        """Stop the server if the harness owns it. Idempotent."""
        if self._run is not None:
            self._run.stop()

    @property
    def host(self) -> str:
        """The address's host; 127.0.0.1 for a server that the harness owns."""
        return urlsplit(self._url).hostname or "127.0.0.1"

    @property
    def port(self) -> int:
        """The port, which stays the same over restarts."""
        return urlsplit(self._url).port or self.default_port

    @property
    def address(self) -> HostPort:
        """The server's host and port."""
        return HostPort(self.host, self.port)

    @property
    def shown_url(self) -> str:
        """Its URL for readers. A password is shown only if it was made for this stack."""
        return self._url if self._run else redacted(self._url)

    @property
    def process(self) -> KeptProcess | None:
        """The server's process (PostgreSQL: the postmaster); None for a server given by URL."""
        return self._run.process if self._run else None

    @property
    def log(self) -> LogFile | None:
        """Its log, across restarts; None for a server given by URL."""
        return self._run.process.log if self._run else None

    def restart(self) -> None:
        """Stop it in an orderly way and start it on the same port; return when it answers.

        Raises HarnessError for a server given by URL, as do those below.
        """
        self._owned().restart()

    def crash(self) -> None:
        """SIGKILL the server and its children; returns when all have ended."""
        self._owned().crash()

    def start_again(self) -> None:
        """Start it after `crash()` or `stop()`; returns when it answers."""
        self._owned().start_again()

    def stop(self, *, how: Shutdown = "orderly") -> None:
        """Stop it in an orderly way, or at once. Idempotent."""
        self._owned().stop(how=how)

    def may_end(self) -> None:
        """Let it end by itself: until it is started again, its end is not reported."""
        self._owned().may_end()

    def _owned(self) -> ServerProcess:
        if self._run is None:
            raise not_owned(self.name, redacted(self._url))
        return self._run
