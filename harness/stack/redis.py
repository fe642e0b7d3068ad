"""A Redis server: the harness's own, or the user's by URL. Valkey will do, too."""

from __future__ import annotations

import os
import signal
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from harness.errors import UsageError
from harness.processes.keeper import Keeper, KeptProcess, LogFile, ProcessSpec
from harness.stack.binaries import RedisBinary, check_redis_version, find_redis
from harness.stack.deaths import DeathWatch
from harness.stack.ports import Ports, pick_port
from harness.stack.readiness import NotReadyError
from harness.stack.server_process import ServerProcess, not_owned
from harness.stack.urls import checked_url, redacted

_DEADLINE_S = 2.0
_SCHEMES = ("redis",)
_CONNECT_ERRORS = (redis.RedisError, OSError, ValueError)


class RedisServer:
    """A context manager whose end stops the server that it owns. Made by `start` or `at_url`."""

    name = "redis"

    def __init__(self, url: str, version: str, run: ServerProcess | None) -> None:
        self._url = url
        self._run = run
        self.version = version
        """As the server says it: "8.2.3"; a Valkey's is "8.1.8 (Valkey)"."""

    @classmethod
    def start(
        cls,
        keeper: Keeper,
        folder: Path,
        *,
        binary: RedisBinary | None = None,
        deaths: DeathWatch | None = None,
        ports: Ports = pick_port,
        logs: Path | None = None,
    ) -> RedisServer:
        """Start a server that keeps nothing on disk: a restart empties it, as a cache's may.

        `folder` is its working directory (private, existing); the log is `redis.log` in `logs`,
        else in `folder`. No password: it is a cache of this run's own, and commands that reach the
        machine (MODULE LOAD, CONFIG SET dir) are off, as Redis has them. Returns when it answers
        PING. Raises HarnessError with the log's tail when it does not start.
        """
        recipe = _Recipe(binary=binary or find_redis("embedded"), folder=folder, log=(logs or folder) / "redis.log")
        run = ServerProcess(keeper, recipe, deaths or DeathWatch(), ports)
        run.start()
        return cls(f"redis://127.0.0.1:{run.port}", _shown_version(recipe.binary.flavour, recipe.binary.version), run)

    @classmethod
    def at_url(cls, url: str, *, allow_hosts: Collection[str] = frozenset()) -> RedisServer:
        """Use a server that runs already.

        Raises UsageError for a host that is not this machine and not in `allow_hosts`, and for a
        server that does not answer or is too old.
        """
        _, address = checked_url("redis", url, schemes=_SCHEMES, default_port=6379, allow_hosts=allow_hosts)
        shown = redacted(url)
        try:
            answer = _ask(url)
        except _CONNECT_ERRORS as error:
            problem = f"no Redis answers at {address}: {error}"
            mend = "start that server, or mend the URL; 'embedded' needs neither"
            raise UsageError.at("stack configuration", "redis", shown, problem, mend=mend) from error
        check_redis_version("redis", shown, answer.version)
        return cls(url, _shown_version(answer.flavour, answer.version), None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the server if it is the harness's own. Idempotent."""
        if self._run is not None:
            self._run.stop()

    @property
    def host(self) -> str:
        """The address's host; 127.0.0.1 for the harness's own."""
        return urlsplit(self._url).hostname or "127.0.0.1"

    @property
    def port(self) -> int:
        """The same for as long as the server is used, restarts included."""
        return urlsplit(self._url).port or 6379

    @property
    def process(self) -> KeptProcess | None:
        """The server's process; None for a server given by URL."""
        return self._run.process if self._run else None

    @property
    def log(self) -> LogFile | None:
        """What the server wrote, across restarts; None for a server given by URL."""
        return self._run.process.log if self._run else None

    def url(self, db: int = 0) -> str:
        """Return a `redis://` URL of that database."""
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{db}"))

    def restart(self) -> None:
        """Stop and start on the same port, empty; returns when it answers."""
        self._owned().restart()

    def crash(self) -> None:
        """SIGKILL the server; returns when it has ended."""
        self._owned().crash()

    def start_again(self) -> None:
        """Start it after `crash()` or `stop()`; returns when it answers."""
        self._owned().start_again()

    def stop(self) -> None:
        """SIGTERM: connections are closed. Idempotent."""
        self._owned().stop()

    def _owned(self) -> ServerProcess:
        if self._run is None:
            raise not_owned(self.name, redacted(self._url))
        return self._run


@dataclass(frozen=True, slots=True)
class _Answer:
    flavour: str
    version: str


def _shown_version(flavour: str, version: str) -> str:
    return version if flavour == "Redis" else f"{version} ({flavour})"


def _ask(url: str) -> _Answer:
    once = Retry(NoBackoff(), retries=0)  # the caller polls; the library's own retries only hide the reason
    with redis.Redis.from_url(
        url, socket_timeout=_DEADLINE_S, socket_connect_timeout=_DEADLINE_S, retry=once
    ) as client:
        client.ping()
        info = client.info("server")
    valkey = info.get("valkey_version")
    return _Answer("Valkey" if valkey else "Redis", str(valkey or info["redis_version"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recipe:
    """How ServerProcess starts this server and knows it to be ready."""

    binary: RedisBinary
    folder: Path
    log: Path
    name: str = "redis"
    stop_signal: signal.Signals = signal.SIGTERM

    def spec(self, port: int) -> ProcessSpec:
        options = {
            "port": str(port),
            "bind": "127.0.0.1",
            "protected-mode": "yes",
            "dir": str(self.folder),
            "logfile": "",  # standard output
            "loglevel": "verbose",  # connections accepted and closed: evidence
            "save": "",
            "appendonly": "no",
            "daemonize": "no",
            "shutdown-timeout": "0",
        }
        argv = [str(self.binary.path)]
        for name, value in options.items():
            argv += [f"--{name}", value]
        return ProcessSpec(
            name=self.name,
            argv=tuple(argv),
            env={"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath},
            cwd=self.folder,
            log=self.log,
        )

    def probe(self, port: int) -> None:
        try:
            _ask(f"redis://127.0.0.1:{port}")
        except _CONNECT_ERRORS as error:
            raise NotReadyError(f"{type(error).__name__}: {error}") from error
