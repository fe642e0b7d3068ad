"""The states in which Redis answers commands with an error: how it gets into each, and out again."""

from __future__ import annotations

import abc
import asyncio
import secrets
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, ClassVar, Final

from redis.asyncio import Redis as RedisClient
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from harness.errors import HarnessError
from harness.polling import poll_async
from harness.protocols.redis.probes import client

__all__ = ["STATES", "State"]

SAVED_WITHIN_S: Final = 30.0
"""Far more than a save of the harness's small databases takes."""
BUSY_AFTER_MS: Final = "1"
FILLER: Final = "harness-filler"
FILLERS: Final = 10_000
FILLER_BYTES: Final = 1_200
"""More than Redis loads between two looks at its clients, so that it looks after each key."""
LOOKS_EVERY_BYTES: Final = "1024"
KEY_LOADED_US: Final = "1000"
"""This little, because the service has 50 ms for each use of Redis. All keys together take ten seconds."""
FOR_EVER_MS: Final = 3_600_000
SEEN_EVERY_S: Final = 0.005
NOBODY_LISTENS: Final = ("127.0.0.1", "1")


class State(abc.ABC):
    """One state. `enter` and `leave` are called once each, on one client that was open before.

    `url`: the service's database. `error`: the word under which Redis counts such answers in `INFO errorstats`.
    """

    error: ClassVar[str]

    def __init__(self, url: str) -> None:
        self.url = url
        self._exits = AsyncExitStack()
        self._before: dict[str, str] = {}

    async def open(self) -> RedisClient:
        """Open the client that the state is entered and left by."""
        own = await self._exits.enter_async_context(client(self.url))
        own.set_retry(Retry(NoBackoff(), 0))  # an error is an answer here
        await own.ping()
        return own

    async def close(self) -> None:
        """Close it. Idempotent."""
        await self._exits.aclose()

    async def answered(self, own: RedisClient) -> int:
        """How many commands Redis has ever answered with this error."""
        return int((await own.info("errorstats")).get(f"errorstat_{self.error}", {}).get("count", 0))

    @abc.abstractmethod
    async def enter(self, own: RedisClient) -> None:
        """Bring Redis into the state."""

    @abc.abstractmethod
    async def leave(self, own: RedisClient) -> None:
        """Bring it out again."""

    async def configure(self, own: RedisClient, settings: Mapping[str, str]) -> None:
        """Change its configuration, and remember the old one."""
        for name, value in settings.items():
            self._before |= await _configured(own, name)
            await own.config_set(name, value)

    async def configure_as_before(self, own: RedisClient) -> None:
        """Undo `configure`."""
        for name, value in self._before.items():
            await own.config_set(name, value)
        self._before.clear()


class Configured(State):
    """A state that one setting causes."""

    settings: ClassVar[Mapping[str, str]]

    async def enter(self, own: RedisClient) -> None:
        await self.configure(own, self.settings)

    async def leave(self, own: RedisClient) -> None:
        await self.configure_as_before(own)


class OutOfMemory(Configured):
    """It may not use more memory: its limit is reached already, and it may evict nothing."""

    error = "OOM"
    settings: ClassVar[Mapping[str, str]] = {"maxmemory-policy": "noeviction", "maxmemory": "1"}


class WithPassword(State):
    """It asks for a password that it did not ask for before. Clients that are connected stay."""

    error = "NOAUTH"

    async def enter(self, own: RedisClient) -> None:
        await self.configure(own, {"requirepass": secrets.token_hex(12)})

    async def leave(self, own: RedisClient) -> None:
        await self.configure_as_before(own)


class Full(State):
    """It has reached its limit of clients: further connections are refused and closed."""

    error = "ERR"

    async def answered(self, own: RedisClient) -> int:
        """How many connections it has refused."""
        return int((await own.info("stats"))["rejected_connections"])

    async def enter(self, own: RedisClient) -> None:
        await self.configure(own, {"maxclients": "1"})

    async def leave(self, own: RedisClient) -> None:
        await self.configure_as_before(own)


class Replica(State):
    """It is the replica of a primary that does not answer: it accepts no writes."""

    error = "READONLY"

    async def enter(self, own: RedisClient) -> None:
        await own.replicaof(*NOBODY_LISTENS)

    async def leave(self, own: RedisClient) -> None:
        await own.replicaof("NO", "ONE")
        await self.configure_as_before(own)


class StaleReplica(Replica):
    """It also refuses reads, because it cannot know how old its data is. It would accept writes."""

    error = "MASTERDOWN"

    async def enter(self, own: RedisClient) -> None:
        await self.configure(own, {"replica-serve-stale-data": "no", "replica-read-only": "no"})
        await super().enter(own)


class UnableToSave(State):
    """It cannot write its snapshot, because a folder has the file's name, and so it accepts no writes."""

    error = "MISCONF"

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._in_the_way: Path | None = None

    async def enter(self, own: RedisClient) -> None:
        self._in_the_way = await _snapshot(own)
        self._in_the_way.mkdir()
        await self.configure(own, {"save": "3600 1", "stop-writes-on-bgsave-error": "yes"})
        await self._save(own, ends="err")

    async def leave(self, own: RedisClient) -> None:
        if self._in_the_way is not None and self._in_the_way.is_dir():
            self._in_the_way.rmdir()
            await self._save(own, ends="ok")
            self._in_the_way.unlink(missing_ok=True)  # its next start shall find nothing, as ever
        await self.configure_as_before(own)

    async def _save(self, own: RedisClient, *, ends: str) -> None:
        await own.bgsave()

        async def ended() -> bool:
            seen = await own.info("persistence")
            return not seen["rdb_bgsave_in_progress"] and seen["rdb_last_bgsave_status"] == ends

        if not await poll_async(ended, within_s=SAVED_WITHIN_S):
            raise HarnessError(f"Redis' save was not {ends!r} within {SAVED_WITHIN_S:g} s")


class _Occupied(State):
    """A state that lasts as long as another client's command."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._occupying: asyncio.Task[None] | None = None

    async def occupy(self, *command: str) -> None:
        """Send the command from a separate client, and do not wait for its answer."""
        other = await self._exits.enter_async_context(client(self.url))
        other.connection_pool.connection_kwargs["socket_timeout"] = None
        self._occupying = asyncio.create_task(_carried_out(other, command))

    async def is_over(self) -> None:
        """Wait for the command's answer."""
        if self._occupying is not None:
            await self._occupying


class Busy(_Occupied):
    """It runs an endless script."""

    error = "BUSY"

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._answered_here = 0

    async def answered(self, own: RedisClient) -> int:
        """How many commands of others it has answered with this error."""
        return await super().answered(own) - self._answered_here

    async def enter(self, own: RedisClient) -> None:
        await self.configure(own, {"lua-time-limit": BUSY_AFTER_MS})
        await self.occupy("EVAL", "while true do end", "0")

        async def is_busy() -> bool:
            try:
                await own.ping()
            except ResponseError:
                self._answered_here += 1
                return True
            return False

        if not await poll_async(is_busy, within_s=SAVED_WITHIN_S):
            raise HarnessError(f"Redis was not busy with a script within {SAVED_WITHIN_S:g} s")

    async def leave(self, own: RedisClient) -> None:
        await own.script_kill()
        await self.is_over()
        await self.configure_as_before(own)


class Loading(_Occupied):
    """It loads its data, slowly."""

    error = "LOADING"

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._snapshot: Path | None = None

    async def enter(self, own: RedisClient) -> None:
        self._snapshot = await _snapshot(own)
        await _command(own, "DEBUG", "POPULATE", str(FILLERS), FILLER, str(FILLER_BYTES))
        slowly = {"loading-process-events-interval-bytes": LOOKS_EVERY_BYTES, "key-load-delay": KEY_LOADED_US}
        await self.configure(own, {"rdbcompression": "no", **slowly})
        await self.occupy("DEBUG", "RELOAD")

        async def is_loading() -> bool:
            return bool((await own.info("persistence"))["loading"])

        if not await poll_async(is_loading, within_s=SAVED_WITHIN_S):
            raise HarnessError(f"Redis did not load within {SAVED_WITHIN_S:g} s")

    async def leave(self, own: RedisClient) -> None:
        await own.config_set("key-load-delay", "0")
        await self.is_over()
        await self.configure_as_before(own)
        await own.unlink(*(f"{FILLER}:{number}" for number in range(FILLERS)))
        if self._snapshot is not None:
            self._snapshot.unlink(missing_ok=True)


class Paused(State):
    """Clients that want to write must wait (CLIENT PAUSE). `answered` counts the clients that were seen waiting."""

    error = "PAUSED"

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._waiting: set[str] = set()
        self._left = False
        self._watching: asyncio.Task[None] | None = None

    async def answered(self, own: RedisClient) -> int:  # noqa: ARG002  # another client has watched
        """How many clients have waited."""
        return len(self._waiting)

    async def enter(self, own: RedisClient) -> None:
        watching = await self._exits.enter_async_context(client(self.url))
        await _command(own, "CLIENT", "PAUSE", str(FOR_EVER_MS), "WRITE")
        self._watching = asyncio.create_task(self._watch(watching))

    async def _watch(self, watching: RedisClient) -> None:
        while not self._left:
            listed = await watching.client_list()
            self._waiting.update(each["id"] for each in listed if "b" in each["flags"])
            await asyncio.sleep(SEEN_EVERY_S)  # Redis does not report waiting clients

    async def leave(self, own: RedisClient) -> None:
        self._left = True
        await own.client_unpause()
        if self._watching is not None:
            await self._watching


STATES: Final[Mapping[str, type[State]]] = {
    "OOM": OutOfMemory,
    "MISCONF": UnableToSave,
    "BUSY": Busy,
    "LOADING": Loading,
    "READONLY": Replica,
    "MASTERDOWN": StaleReplica,
    "NOAUTH": WithPassword,
    "MAXCLIENTS": Full,
    "PAUSED": Paused,
}


async def _snapshot(own: RedisClient) -> Path:
    return Path((await _configured(own, "dir"))["dir"], (await _configured(own, "dbfilename"))["dbfilename"])


async def _configured(own: RedisClient, name: str) -> dict[str, str]:
    """Return the setting's value. Redis may answer with a newer name than the one that was asked for."""
    found = await own.config_get(name)
    return {str(key): str(value) for key, value in found.items()}


async def _carried_out(other: RedisClient, command: tuple[str, ...]) -> None:
    with suppress(RedisError):  # it is ended, or its server is
        await _command(other, *command)


async def _command(own: RedisClient, *words: str) -> Any:
    return await own.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py left it out
