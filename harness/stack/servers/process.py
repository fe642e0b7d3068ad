"""One server's process: starts it on a port, waits until it is ready, and restarts it on the same port."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias

from harness.errors import HarnessError
from harness.processes.keeper import Keeper, KeptProcess, ProcessSpec
from harness.stack.servers.deaths import DeathWatch, describe_exit
from harness.stack.servers.readiness import EndedError, NotReadyError, wait_ready
from harness.stack.servers.tree import kill_tree
from harness.stack.tcp.ports import Ports
from harness.stack.tcp.sockets import listening

READY_DEADLINE_S = 30.0
"""Far more than a start takes. A server that is not ready by then is broken."""

Shutdown: TypeAlias = Literal["orderly", "immediate"]
"""How a server is stopped: it finishes its work ("orderly"), or ends at once by its quickest own way ("immediate")."""

_PORTS_TRIED_MAX = 20
_IN_USE = "address already in use"  # strerror(EADDRINUSE), and Go's text; the servers run in the C locale


class Recipe(Protocol):
    """The properties of one kind of server."""

    @property
    def name(self) -> str:
        """The server's name in errors and in its process's name."""
        ...

    @property
    def stop_signal(self) -> signal.Signals:
        """The signal that ends the server in an orderly way."""
        ...

    @property
    def immediate_signal(self) -> signal.Signals:
        """The signal that ends it at once; SIGKILL if the server has no quick end of its own."""
        ...

    def spec(self, port: int) -> ProcessSpec:
        """Return how to start the server on that port."""
        ...

    def probe(self, port: int) -> None:
        """Return if the server on `port` answers; raise NotReadyError if not yet."""
        ...


class _PortTakenError(Exception):
    """Another process has the server's port: the server ended, or runs without listening."""


class ServerProcess:
    """One server's process. Call `start()` once, then the other methods, one at a time.

    A death that one of these methods causes is intended; any other is reported to `deaths`.
    """

    def __init__(self, keeper: Keeper, recipe: Recipe, deaths: DeathWatch, ports: Ports) -> None:
        self._keeper = keeper
        self._recipe = recipe
        self._deaths = deaths
        self._ports = ports
        self._process: KeptProcess | None = None
        self._release: Callable[[], None] = lambda: None
        self._port: int | None = None

    @property
    def port(self) -> int:
        """The server's own port, kept while it is down."""
        if self._port is None:
            raise HarnessError(f"{self._recipe.name} was never started", hint="call start() first")
        return self._port

    @property
    def process(self) -> KeptProcess:
        """The process of the latest start."""
        if self._process is None:
            raise HarnessError(f"{self._recipe.name} was never started", hint="call start() first")
        return self._process

    def start(self) -> None:
        """Start on the first free port of `ports`. Raises HarnessError with the log's tail."""
        for _ in range(_PORTS_TRIED_MAX):
            port = self._ports()
            try:
                self._start_on(port)
            except _PortTakenError:
                continue
            self._port = port
            return
        raise HarnessError(
            f"{self._recipe.name}: {_PORTS_TRIED_MAX} ports were tried and all were in use",
            hint="see who listens: ss -ltnp",
        )

    def start_again(self) -> None:
        """Start on the same port, after `stop()` or `crash()`. Do nothing if it runs."""
        if self.process.poll() is None:
            return
        port = self.port

        def attempt() -> None:
            try:
                self._start_on(port)
            except _PortTakenError as error:
                raise NotReadyError(str(error)) from error

        try:
            wait_ready(attempt, ended=threading.Event(), deadline_s=READY_DEADLINE_S, interval_s=0.1)
        except TimeoutError as error:
            raise HarnessError(
                f"{self._recipe.name} needs its port {port} again, but another process has it",
                hint=f"see who listens: ss -ltnp 'sport = :{port}'",
            ) from error

    def goes_on_as(self, recipe: Recipe) -> None:
        """Use this recipe for later starts: the way to ask the server has changed."""
        self._recipe = recipe

    def stop(self, *, how: Shutdown = "orderly", grace_s: float = 10.0) -> None:
        """Stop it in an orderly way, or at once; what is left after `grace_s` is killed. Idempotent."""
        if self._process is None:
            return
        self._release()
        chosen = self._recipe.stop_signal if how == "orderly" else self._recipe.immediate_signal
        if self._process.send_signal(chosen):
            self._process.send_signal(signal.SIGCONT)  # a paused server does not see the other signal
            try:
                self._process.wait(grace_s)
            except TimeoutError:
                kill_tree(self._process)

    def may_end(self) -> None:
        """Treat its end as intended until it is started again."""
        self._release()

    def crash(self) -> None:
        """SIGKILL the server and all its children, and wait until they have ended."""
        self._release()
        kill_tree(self.process)

    def restart(self) -> None:
        """Stop it in an orderly way and start it again on the same port; return when it is ready."""
        self.stop()
        self.start_again()

    def _start_on(self, port: int) -> None:
        spec = self._recipe.spec(port)
        mark = spec.log.stat().st_size if spec.log.exists() else 0
        process = self._keeper.spawn(spec)
        try:
            self._wait_ready(process, port, mark)
        except EndedError:
            raise self._died_at_start(process, mark) from None
        except TimeoutError as error:
            kill_tree(process)
            raise HarnessError(
                f"{self._recipe.name} was not ready on port {port} in {READY_DEADLINE_S:g} s: {error}; "
                f"the end of its log:\n{process.log.tail()}",
                hint="the CPU or the disk is too busy: free it, and run again",
            ) from error
        except BaseException:
            kill_tree(process)
            raise
        self._process = process
        self._release = self._deaths.watch(self._recipe.name, process)

    def _died_at_start(self, process: KeptProcess, mark: int) -> Exception:
        status = process.wait(READY_DEADLINE_S)
        written = process.log.read(mark)
        if _says_in_use(written):
            return _PortTakenError(written)
        name = self._recipe.name
        return HarnessError(
            f"{name} {describe_exit(status)} while it started; the end of its log:\n{process.log.tail()}",
            hint=f"the log has the reason; if the program itself is defective, configure another {name}",
        )

    def _wait_ready(self, process: KeptProcess, port: int, mark: int) -> None:
        def probe() -> None:
            # Another process on this port may answer as well, or accept the connection and send nothing.
            if not _listens(process.pid, port):
                written = process.log.read(mark)
                if _says_in_use(written):  # Toxiproxy lives on then, and PostgreSQL for a moment
                    raise _PortTakenError(written)
                raise NotReadyError(f"process {process.pid} does not listen on port {port} yet")
            self._recipe.probe(port)

        ended = threading.Event()
        unsubscribe = process.on_exit(lambda _status: ended.set())
        try:
            wait_ready(probe, ended=ended, deadline_s=READY_DEADLINE_S)
        finally:
            unsubscribe()


def _listens(pid: int, port: int) -> bool:
    try:
        return bool(listening(port, pids=[pid]))
    except HarnessError as error:
        # It cannot be read for a moment: between a process's end and its burial, its open files belong to root.
        raise NotReadyError(error.message) from error


def _says_in_use(written: str) -> bool:
    return _IN_USE in written.casefold()


def not_owned(name: str, url: str) -> HarnessError:
    """Make the error for an attempt to stop or start a server that the user runs."""
    return HarnessError(
        f"this {name} was given by URL ({url}): the harness does not own it, so it neither stops nor starts it",
        hint=f"leave {name} 'embedded' in the stack configuration for scenarios that need this",
    )
