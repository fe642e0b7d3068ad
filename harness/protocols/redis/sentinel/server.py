"""A Redis Sentinel of the harness's own: the server's own program, which watches a primary and promotes its replica."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from redis.exceptions import ResponseError

from harness.addresses import HostPort
from harness.errors import HarnessError
from harness.polling import poll_async
from harness.processes.keeper import ProcessSpec
from harness.protocols.redis.probes import client
from harness.protocols.redis.server import RedisServer, RedisSource
from harness.stack.servers.recipes import ProgramRecipe
from harness.stack.servers.server import Launch, Server

if TYPE_CHECKING:
    from harness.protocols.redis.sentinel.watch import Watch

__all__ = ["NAME", "Sentinel"]

NAME: Final = "cache"
"""Sentinel's name for the primary, for which its clients ask."""
DOWN_AFTER_MS: Final = 5_000
"""After this much silence Sentinel considers a primary down, and names none to clients. In production it is 30 s."""
LOST_AFTER_MS: Final = 250
"""The same while a fault takes a primary away. On a busy machine even a live primary may take this long to reply."""
FAILOVER_TIMEOUT_MS: Final = 10_000
KNOWS_WITHIN_S: Final = 30.0
PERIODS_MS: Final = {"INFO-PERIOD": 100, "PING-PERIOD": 200, "ASK-PERIOD": 100, "MIN-LINK-RECONNECT-PERIOD": 50}
"""How often it looks, in place of seconds. Redis 6 has no such command, and fails over some seconds later.

A replica is promoted only if its last INFO is younger than five ping periods, and while the primary is down Sentinel
asks for it only once a second (`sentinelSelectSlave` in sentinel.c). With shorter periods it is often too old.
"""


class Sentinel(Server):
    """See the module."""

    protocol = "redis"
    default_port = 26379
    watch: Watch | None = None
    """The watch that it belongs to."""

    @classmethod
    def start(cls, launch: Launch, source: RedisSource, watched: HostPort) -> Sentinel:
        """Start it in the launch's folder, with the program of the server that it watches at this address.

        Returns when it answers. Raises HarnessError with the log's tail.
        """
        name = launch.name or "sentinel"
        recipe = _Recipe(name=name, source=source, folder=launch.folder, log=launch.log(name), watched=watched)
        run = launch.started(recipe)
        return cls(f"redis://127.0.0.1:{run.port}", source.version, run=run, name=name)

    async def begin(self, replica: HostPort) -> None:
        """Make it look often, and wait until it could promote the replica. Raises HarnessError if it never can."""
        async with client(self._url) as asking:
            for period, ms in PERIODS_MS.items():
                with suppress(ResponseError):  # Redis 6 has no such command
                    await asking.execute_command("SENTINEL", "DEBUG", period, str(ms))  # type: ignore[no-untyped-call]  # redis-py gives it no types

            async def knows() -> bool:
                return any(each["port"] == replica.port for each in await asking.sentinel_slaves(NAME))

            if not await poll_async(knows, within_s=KNOWS_WITHIN_S):
                problem = f"Sentinel knows of no replica on port {replica.port} after {KNOWS_WITHIN_S:g} s"
                raise HarnessError(problem, hint="see its log for the reason")

    async def notice_after(self, ms: int) -> None:
        """From now on consider a primary down after this much silence."""
        async with client(self._url) as asking:
            await asking.sentinel_set(NAME, "down-after-milliseconds", ms)

    async def fail_over(self) -> None:
        """Make it promote the replica, as an operator does. Raises HarnessError if it does not begin."""
        async with client(self._url) as asking:

            async def begun() -> bool:
                try:
                    await asking.sentinel_failover(NAME)
                except ResponseError:  # it has not asked the replica for its state yet
                    return False
                return True

            if not await poll_async(begun, within_s=KNOWS_WITHIN_S):
                raise HarnessError("Sentinel does not begin a failover", hint="see its log for the reason")

    async def primary(self) -> HostPort:
        """The primary that it reports to clients."""
        async with client(self._url) as asking:
            told = await asking.execute_command(  # type: ignore[no-untyped-call]  # redis-py left it out
                "SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME
            )
        return HostPort(told[0].decode(), int(told[1]))

    async def reports_the_primary_up(self) -> bool:
        """Whether clients use the reported primary. They ask for its state, too."""
        async with client(self._url) as asking:
            state = await asking.sentinel_master(NAME)
        if not isinstance(state, dict):
            raise HarnessError(f"Sentinel reports no state of {NAME!r}: {state!r}", hint="see its log for the reason")
        return bool(state["is_master"] and not state["is_sdown"] and not state["is_odown"])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recipe(ProgramRecipe):
    source: RedisSource
    watched: HostPort

    def spec(self, port: int) -> ProcessSpec:
        configuration = self.folder / f"sentinel-{port}.conf"
        if not configuration.exists():  # it writes what it has learned into this file
            configuration.write_text(self._configuration(port), encoding="utf-8")
        return self.program(str(self.source.path), str(configuration), "--sentinel")

    def probe(self, port: int) -> None:
        RedisServer.answers(port)

    def _configuration(self, port: int) -> str:
        lines = (
            "bind 127.0.0.1",
            f"port {port}",
            f"dir {self.folder}",
            f"sentinel monitor {NAME} {self.watched.host} {self.watched.port} 1",
            f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}",
            f"sentinel failover-timeout {NAME} {FAILOVER_TIMEOUT_MS}",
        )
        return "".join(f"{line}\n" for line in lines)
