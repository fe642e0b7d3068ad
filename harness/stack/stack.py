"""The servers of a run, and the relay before them: started together and ended together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness.processes.keeper import Keeper
from harness.relay import RelayServer
from harness.stack._port_claims import PortClaims
from harness.stack.binaries import find_postgres, find_redis
from harness.stack.deaths import DeadServer, DeathWatch
from harness.stack.postgres import PostgresServer
from harness.stack.postgres_settings import PostgresOptions
from harness.stack.redis import RedisServer
from harness.stack.server import Launch
from harness.stack.toxiproxy.build import BUILD
from harness.stack.toxiproxy.server import ToxiproxyServer, find_toxiproxy
from harness.stack.urls import is_url

EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackConfiguration:
    """Which servers to use.

    `postgres`: "embedded", the folder with `initdb` and `postgres`, or a superuser's `postgresql://`
    URL. `redis`: "embedded", the path of a redis-server or valkey-server, or a `redis://` URL.
    `toxiproxy`: "build", the path of a toxiproxy-server, or an `http://` URL. A URL's host must be
    this machine's loopback, or be in `allow_hosts`, letter for letter.
    """

    postgres: str = EMBEDDED
    redis: str = EMBEDDED
    toxiproxy: str = BUILD
    allow_hosts: frozenset[str] = frozenset()
    postgres_options: PostgresOptions = field(default_factory=PostgresOptions)


class Stack:
    """Running servers: a context manager whose end stops those that the harness owns."""

    def __init__(
        self,
        keeper: Keeper,
        postgres: PostgresServer,
        redis: RedisServer,
        toxiproxy: ToxiproxyServer,
        relay: RelayServer,
        *,
        deaths: DeathWatch,
        owned: ExitStack,
    ) -> None:
        self.keeper = keeper
        self.postgres = postgres
        self.redis = redis
        self.toxiproxy = toxiproxy
        self.relay = relay
        self._deaths = deaths
        self._owned = owned

    @classmethod
    def start(
        cls,
        configuration: StackConfiguration,
        folder: Path,
        *,
        keeper: Keeper,
        logs: Path | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> Stack:
        """Find all programs, then start all servers at once; returns when each answers.

        Data goes below `folder` (existing, private to the run), logs into `logs`, else `folder/logs`.
        `progress` is told of what takes long. Raises UsageError for a bad configuration and
        HarnessError for a server that does not start; whatever had been started is stopped first.
        """
        with ExitStack() as owned:
            starting = _Starting(configuration, folder, keeper, logs or folder / "logs", owned, progress)
            servers = starting.all_at_once()
            return cls(keeper, *servers, deaths=starting.deaths, owned=owned.pop_all())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop every server that the harness owns, the last one first. Idempotent."""
        self._owned.close()

    def versions(self) -> Mapping[str, str]:
        """Return each server's version by its name."""
        return {
            "postgres": self.postgres.version,
            "redis": self.redis.version,
            "toxiproxy": self.toxiproxy.version,
        }

    def dead(self) -> DeadServer | None:
        """Return the first server that died without being told to."""
        return self._deaths.first()

    def on_death(self, callback: Callable[[DeadServer], None]) -> Callable[[], None]:
        """Call back, from another thread, when a server dies without being told to. Returns the unsubscribe.

        If one is dead already, the call comes at once, from this thread.
        """
        return self._deaths.subscribe(callback)


class _Starting:
    """A start under way: whatever came up is in `owned`, in the order in which it came up."""

    def __init__(
        self,
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
        # The programs first: a wrong path is told before anything runs, and a long build can be
        # interrupted, which a start in a thread cannot.
        self._binaries = None if is_url(configuration.postgres) else find_postgres(configuration.postgres)
        self._binary = None if is_url(configuration.redis) else find_redis(configuration.redis)
        toxiproxy = configuration.toxiproxy
        self._toxiproxy = None if is_url(toxiproxy) else find_toxiproxy(toxiproxy, keeper, progress)

    def all_at_once(self) -> tuple[PostgresServer, RedisServer, ToxiproxyServer, RelayServer]:
        self._logs.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(max_workers=4, thread_name_prefix="harness-start") as pool:
            postgres = pool.submit(self._start_postgres)
            redis = pool.submit(self._start_redis)
            toxiproxy = pool.submit(self._start_toxiproxy)
            relay = pool.submit(self._start_relay)
        _raise_first(postgres, redis, toxiproxy, relay)
        return postgres.result(), redis.result(), toxiproxy.result(), relay.result()

    def _start_postgres(self) -> PostgresServer:
        wanted = self._configuration
        if self._binaries is None:
            server = PostgresServer.at_url(wanted.postgres, allow_hosts=wanted.allow_hosts)
        else:
            launch = self._launch("postgres")
            server = PostgresServer.start(launch, binaries=self._binaries, options=wanted.postgres_options)
        return self._owned.enter_context(server)

    def _start_redis(self) -> RedisServer:
        wanted = self._configuration
        if self._binary is None:
            server = RedisServer.at_url(wanted.redis, allow_hosts=wanted.allow_hosts)
        else:
            server = RedisServer.start(self._launch("redis"), binary=self._binary)
        return self._owned.enter_context(server)

    def _start_toxiproxy(self) -> ToxiproxyServer:
        if self._toxiproxy is None:
            server = ToxiproxyServer.at_url(self._configuration.toxiproxy)
        else:
            server = ToxiproxyServer.start(self._launch("toxiproxy"), self._toxiproxy)
        return self._owned.enter_context(server)

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


def _raise_first(*starts: Future[Any]) -> None:
    """Raise the first start's error; the others' are told as its notes."""
    errors = [error for start in starts if (error := start.exception()) is not None]
    if errors:
        first, *others = errors
        for other in others:
            first.add_note(f"at the same time: {other}")
        raise first
