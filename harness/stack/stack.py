"""The servers of a run, and the relay in front of them. They start together and stop together."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

from harness.closing import Closing
from harness.errors import HarnessError
from harness.processes.keeper import Keeper
from harness.protocols.contract.options import ServerWanted
from harness.protocols.contract.server import SERVER
from harness.relay import RelayServer
from harness.stack.servers.configuration import StackConfiguration
from harness.stack.servers.deaths import DeadServer, DeathWatch
from harness.stack.servers.server import Launch, Server
from harness.stack.servers.urls import is_url
from harness.stack.tcp.port_claims import PortClaims
from harness.stack.toxiproxy.server import ToxiproxyServer, find_toxiproxy

ServerT = TypeVar("ServerT", bound=Server)


class Stack(Closing):
    """Running servers: a context manager whose end stops those that the harness owns."""

    def __init__(
        self,
        keeper: Keeper,
        servers: Mapping[str, Server],
        toxiproxy: ToxiproxyServer,
        relay: RelayServer,
        *,
        deaths: DeathWatch,
        owned: ExitStack,
    ) -> None:
        self.keeper = keeper
        self.servers = servers
        """The servers behind the target's links, by name. Toxiproxy and the relay carry the links, and are not
        included.
        """
        self.toxiproxy = toxiproxy
        self.relay = relay
        self._deaths = deaths
        self._owned = owned

    @classmethod
    def start(
        cls,
        wanted: Sequence[ServerWanted],
        configuration: StackConfiguration,
        folder: Path,
        *,
        keeper: Keeper,
        logs: Path | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> Stack:
        """Find all programs, then start all servers at once. Return when each of them answers.

        Data is below `folder` (existing, private to the run), logs are in `logs`, or by default in `folder/logs`.
        `progress` receives a note on anything slow. Raises UsageError for a bad configuration and HarnessError for a
        server that does not start; servers already started are stopped first.
        """
        configuration.check(wanted)
        with ExitStack() as owned:
            starting = _Starting(wanted, configuration, folder, keeper, logs or folder / "logs", owned, progress)
            servers, toxiproxy, relay = starting.all_at_once()
            return cls(keeper, servers, toxiproxy, relay, deaths=starting.deaths, owned=owned.pop_all())

    def of(self, kind: type[ServerT], name: str | None = None) -> ServerT:
        """Return a server by its class and name: `stack.of(PostgresServer)`, `stack.of(PostgresServer, "ledger")`.

        Raises HarnessError if the stack has no server of that class and name.
        """
        server = self.servers.get(name or kind.protocol)
        if not isinstance(server, kind):
            raise HarnessError(f"no {kind.__name__} called {name or kind.protocol} is among {', '.join(self.servers)}")
        return server

    @property
    def all_servers(self) -> Mapping[str, Server]:
        """The target's servers, and Toxiproxy."""
        return {**self.servers, self.toxiproxy.name: self.toxiproxy}

    def close(self) -> None:
        """Stop every server that the harness owns, the last one first. Idempotent."""
        self._owned.close()

    def versions(self) -> Mapping[str, str]:
        """Return each server's version by its name."""
        return {name: server.version for name, server in self.all_servers.items()}

    def dead(self) -> DeadServer | None:
        """Return the first server that died unintentionally."""
        return self._deaths.first()

    def on_death(self, callback: Callable[[DeadServer], None]) -> Callable[[], None]:
        """Call back, from another thread, when a server dies unintentionally. Return a function that unsubscribes.

        If one is dead already, the call comes at once, from this thread.
        """
        return self._deaths.subscribe(callback)


class _Starting:
    """A start in progress. `owned` has the servers that have started, in that order."""

    def __init__(
        self,
        wanted: Sequence[ServerWanted],
        configuration: StackConfiguration,
        folder: Path,
        keeper: Keeper,
        logs: Path,
        owned: ExitStack,
        progress: Callable[[str], None] | None,
    ) -> None:
        self._configuration = configuration
        self._folder = folder
        self._keeper = keeper
        self._logs = logs
        self._owned = owned
        self.deaths = DeathWatch()
        self._ports = owned.enter_context(PortClaims()).claim
        # Programs first: a wrong path is reported before anything runs, and a long build can be
        # interrupted, which a start in a thread cannot.
        found = functools.cache(_program)  # two servers of one program
        self._starts = {each.name: self._start_of(each, found) for each in wanted}
        toxiproxy = configuration.toxiproxy
        self._toxiproxy = None if is_url(toxiproxy) else find_toxiproxy(toxiproxy, keeper, progress)

    def _start_of(self, wanted: ServerWanted, found: Callable[[str, str], Any]) -> Callable[[], Server]:
        """Return a function that starts one server, or connects to the user's."""
        kind, place = SERVER.of(wanted.protocol), self._configuration.place_of(wanted)
        if is_url(place):
            return functools.partial(kind.at_url, place, name=wanted.name, allow_hosts=self._configuration.allow_hosts)
        program = found(wanted.protocol, place)
        return lambda: kind.start(self._launch(wanted.name), program, wanted.options)

    def all_at_once(self) -> tuple[Mapping[str, Server], ToxiproxyServer, RelayServer]:
        self._logs.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(max_workers=len(self._starts) + 2, thread_name_prefix="harness-start") as pool:
            servers = {name: pool.submit(self._started, start) for name, start in self._starts.items()}
            toxiproxy = pool.submit(self._started, self._start_toxiproxy)
            relay = pool.submit(self._start_relay)
        _raise_first(*servers.values(), toxiproxy, relay)
        return {name: server.result() for name, server in servers.items()}, toxiproxy.result(), relay.result()

    def _started(self, start: Callable[[], ServerT]) -> ServerT:
        server = start()
        self._owned.enter_context(server)
        return server

    def _start_toxiproxy(self) -> ToxiproxyServer:
        if self._toxiproxy is None:
            return ToxiproxyServer.at_url(self._configuration.toxiproxy)
        return ToxiproxyServer.start(self._launch("toxiproxy"), self._toxiproxy)

    def _launch(self, name: str) -> Launch:
        return Launch(
            self._keeper, self._subfolder(name), name=name, logs=self._logs, deaths=self.deaths, ports=self._ports
        )

    def _start_relay(self) -> RelayServer:
        relay = self._owned.enter_context(RelayServer.start(self._keeper, self._subfolder("relay"), logs=self._logs))
        self._owned.callback(self.deaths.watch("relay", relay.process))
        return relay

    def _subfolder(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir(mode=0o700)
        return folder


def _program(protocol: str, place: str) -> Any:
    return SERVER.of(protocol).find(place)


def _raise_first(*starts: Future[Any]) -> None:
    """Raise the first start's error, with the others' errors as notes."""
    errors = [error for start in starts if (error := start.exception()) is not None]
    if errors:
        first, *others = errors
        for other in others:
            first.add_note(f"at the same time: {other}")
        raise first
