"""A Redis server: one that the harness starts, or the user's by URL. Valkey works, too."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from harness.processes.keeper import ProcessSpec
from harness.protocols.contract.server import ServerKind
from harness.protocols.redis.about import ABOUT
from harness.protocols.redis.options import RedisOptions
from harness.protocols.redis.running.binaries import RedisBinary, check_redis_version, find_redis
from harness.stack.servers.process import not_owned
from harness.stack.servers.readiness import NotReadyError
from harness.stack.servers.recipes import ProgramRecipe
from harness.stack.servers.server import Launch, Server
from harness.stack.servers.urls import answer_at, redacted

__all__ = ["SERVER", "RedisServer", "RedisSource"]

_DEADLINE_S = 2.0
_DEBUG_IS_CLOSED_SINCE = 7
"""From this version on DEBUG RELOAD, which loads the data while Redis runs, must be allowed by the configuration."""
_CONNECT_ERRORS = (redis.RedisError, OSError, ValueError)


class RedisServer(Server):
    """A Redis or Valkey server. Made by `start` or `at_url`; the version of a Valkey is "8.1.8 (Valkey)"."""

    protocol = "redis"
    default_port = ABOUT.port
    _origin: _Origin | None = None
    """None: the server was given by URL."""

    @classmethod
    def find(cls, wanted: str) -> RedisBinary:
        """Find and check the program. See `ServerKind.find`."""
        return find_redis(wanted)

    @classmethod
    def start(
        cls, launch: Launch, program: RedisBinary | None = None, options: RedisOptions | None = None
    ) -> RedisServer:
        """Start a server that keeps nothing on disk. A restart empties it, as it may empty a cache.

        The launch's folder is its working directory. It needs no password, because it is this run's cache only and
        Redis disables commands that reach the machine (MODULE LOAD, CONFIG SET dir) by default. Returns when it answers
        PING. Raises HarnessError with the log's tail if it does not start.
        """
        name = launch.name or cls.protocol
        recipe = _Recipe(
            name=name,
            binary=program or find_redis("embedded"),
            folder=launch.folder,
            log=launch.log(name),
            options=options or RedisOptions(),
        )
        run = launch.started(recipe)
        version = _shown_version(recipe.binary.flavour, recipe.binary.version)
        server = cls(f"redis://127.0.0.1:{run.port}", version, run=run, name=name)
        server._origin = _Origin(launch, recipe)
        return server

    def beside(self) -> RedisServer:
        """Start another server like this one, empty, under the same name.

        Raises HarnessError for a server given by URL.
        """
        launch, recipe = self._made.launch, self._made.recipe
        folder = Path(tempfile.mkdtemp(prefix="replica-", dir=launch.folder))
        name = f"{self.name}-replica"
        run = launch.started(replace(recipe, name=name, folder=folder, log=launch.log(name)))
        return RedisServer(f"redis://127.0.0.1:{run.port}", self.version, run=run, name=self.name)

    def source(self, name: str) -> tuple[Launch, RedisSource]:
        """Return where another server with that name can start, and with which program. Raises as `beside` does."""
        launch, recipe = self._made.launch, self._made.recipe
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=launch.folder))
        return replace(launch, folder=folder, name=name), RedisSource(recipe.binary.path, self.version)

    @property
    def _made(self) -> _Origin:
        """How it was made. Raises HarnessError for a server given by URL."""
        if self._origin is None:
            raise not_owned(self.name, self.shown_url)
        return self._origin

    @staticmethod
    def answers(port: int) -> None:
        """Return if the server on the port answers like a Redis. Raises NotReadyError."""
        try:
            _ask(f"redis://127.0.0.1:{port}")
        except _CONNECT_ERRORS as error:
            raise NotReadyError(f"{type(error).__name__}: {error}") from error

    @classmethod
    def at_url(cls, url: str, *, name: str | None = None, allow_hosts: Collection[str] = frozenset()) -> RedisServer:
        """Use a server that already runs.

        Raises UsageError for a host that is neither this machine nor in `allow_hosts`, and for a server that does not
        answer or is too old.
        """
        answer = answer_at(
            url, _ask, _CONNECT_ERRORS, key="redis", title="Redis",
            schemes=("redis",), default_port=cls.default_port, allow_hosts=allow_hosts,
        )  # fmt: skip
        check_redis_version("redis", redacted(url), answer.version)
        return cls(url, _shown_version(answer.flavour, answer.version), name=name)

    def url(self, db: int = 0) -> str:
        """Return a `redis://` URL of that database."""
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{db}"))


@dataclass(frozen=True, slots=True)
class RedisSource:
    """The program of a server, and its version."""

    path: Path
    version: str


@dataclass(frozen=True, slots=True)
class _Origin:
    """How the harness made one of its servers."""

    launch: Launch
    recipe: _Recipe


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
class _Recipe(ProgramRecipe):
    binary: RedisBinary
    options: RedisOptions

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
            "repl-diskless-sync-delay": "0",  # else a replica waits five seconds for others to come
            "rdb-del-sync-files": "yes",  # else it has its former primary's data again after a restart
            "daemonize": "no",
            "shutdown-timeout": "0",
            **({"enable-debug-command": "local"} if self.binary.major >= _DEBUG_IS_CLOSED_SINCE else {}),
            **self.options.settings,
        }
        argv = [str(self.binary.path)]
        for name, value in options.items():
            argv += [f"--{name}", value]
        return self.program(*argv)

    def probe(self, port: int) -> None:
        RedisServer.answers(port)


SERVER: Final[ServerKind[RedisBinary, RedisOptions]] = RedisServer
