"""The servers themselves: locks, and what another session does to them."""

from __future__ import annotations

import re
import shlex
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import asyncpg

from harness.errors import HarnessError, UsageError
from harness.faults.fault import Fault, Injection
from harness.faults.monitor import CommandMonitor
from harness.faults.site import Site
from harness.vocabulary import Link, Postgres, Redis

LOCK_WITHIN_MS = 5_000


@dataclass(frozen=True, repr=False)
class Lock(Fault, kind="server.lock"):
    """Another session holds the table (ACCESS EXCLUSIVE) until healed."""

    link: Postgres
    table: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]*", self.table):
            raise UsageError.at(
                "server.lock", "table", self.table, "not a table's name", mend="letters, digits, _ and ."
            )

    def injection(self, site: Site) -> Injection:
        """Take the lock."""
        return _Lock(self, site)


class _Lock(Injection):
    def __init__(self, fault: Lock, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._laid = site.laid(fault.link)
        self._exits = AsyncExitStack()
        self._session: asyncpg.Connection | None = None
        self._pid = 0
        self._log_mark = 0

    async def act(self) -> None:
        self._log_mark = self._laid.log.size() if self._laid.log else 0
        session = await self._exits.enter_async_context(self._site.sql(self._fault.link))
        self._session = session
        self._pid = session.get_server_pid()
        await session.execute("BEGIN")
        await session.execute(f"SET LOCAL lock_timeout = {LOCK_WITHIN_MS}")
        try:
            await session.execute(f"LOCK TABLE {self._fault.table} IN ACCESS EXCLUSIVE MODE")
        except asyncpg.PostgresError as problem:
            raise HarnessError(f"could not lock {self._fault.table}: {problem}") from problem

    async def fired(self) -> int:
        """Sessions of the service that wait, or have waited, for this lock."""
        if self._session is None:
            return 0
        waiting = await self._session.fetch(
            "SELECT pid FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid)) AND usename = $2",
            self._pid,
            self._laid.words["user"],
        )
        return len({row["pid"] for row in waiting} | self._waited())

    def _waited(self) -> set[int]:
        """Pids that the server's log says waited for a table (log_lock_waits), those that gave up included."""
        if self._laid.log is None:
            return set()
        lines = self._laid.log.read(self._log_mark).splitlines()
        mine = re.escape(self._laid.words["user"])
        waits = re.compile(rf"\b{mine}\b.*process (\d+) still waiting for \w+ on relation")
        return {int(found[1]) for line in lines if (found := waits.search(line))}

    async def heal(self) -> None:
        if self._session is None:
            return
        waited = await self.fired()
        if waited:
            self._site.witness(
                "lock_waited_for", "PostgreSQL", f"{waited} of the service's sessions waited for {self._fault.table}"
            )
        self._session = None
        await self._exits.aclose()


@dataclass(frozen=True, repr=False)
class Flush(Fault, kind="server.flush"):
    """Everything that the service keeps in Redis is gone, once."""

    link: Redis

    def injection(self, site: Site) -> Injection:
        """FLUSHDB in the service's own database."""
        return _Flush(self, site)


class _Flush(Injection):
    def __init__(self, fault: Flush, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._lost = 0

    async def act(self) -> None:
        async with self._site.redis(self._fault.link) as client:
            self._lost = await client.dbsize()
            await client.flushdb()
        if self._lost:
            self._site.witness("keys_lost", "Redis", f"{self._lost} keys flushed")

    async def fired(self) -> int:
        return self._lost

    async def heal(self) -> None:
        """What is flushed stays flushed."""


@dataclass(frozen=True, repr=False)
class Poison(Fault, kind="server.poison"):
    """Redis remembers every delivery that is still to come, though none of them was stored."""

    link: Redis

    def injection(self, site: Site) -> Injection:
        """Set the keys by which the service remembers deliveries."""
        return _Poison(self, site)


class _Poison(Injection):
    def __init__(self, fault: Poison, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._laid = site.laid(fault.link)
        self._keys: tuple[str, ...] = ()
        self._exits = AsyncExitStack()
        self._monitor: CommandMonitor | None = None

    async def act(self) -> None:
        self._keys = tuple(self._key(source, delivery) for source, delivery in self._site.ids_to_come)
        async with self._site.redis(self._fault.link) as client:
            await client.mset(dict.fromkeys(self._keys, "1"))
        monitor = CommandMonitor(self._laid.admin_url, self._keys)
        self._monitor = await self._exits.enter_async_context(monitor)

    def _key(self, source: str, delivery: str) -> str:
        if self._laid.remembers is None:
            raise UsageError.at(
                "target description", f"links.{self._fault.link}.remembers", None, "server.poison needs this key",
                mend="say by which key the service remembers a delivery",
            )  # fmt: skip
        words = {"prefix": self._laid.words["prefix"], "source": source, "id": delivery}
        key = self._laid.remembers
        for word, value in words.items():
            key = key.replace("{" + word + "}", value)
        return key

    async def fired(self) -> int:
        return await self._monitor.met() if self._monitor else 0

    async def heal(self) -> None:
        if self._monitor is None:
            return
        met = await self.fired()
        if met:
            self._site.witness("poison_met", "Redis", f"the service asked for {met} keys of deliveries never stored")
        self._monitor = None
        await self._exits.aclose()


@dataclass(frozen=True, repr=False)
class Execute(Fault, kind="server.execute"):
    """SQL or a Redis command by another session, once: what no named fault covers.

    Evidence is what the server says of it: PostgreSQL's command tag, Redis's reply.
    """

    link: Link
    text: str = field()

    def injection(self, site: Site) -> Injection:
        """Run it, past the proxy."""
        return _Execute(self, site)


class _Execute(Injection):
    def __init__(self, fault: Execute, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._done = 0

    async def act(self) -> None:
        if isinstance(self._fault.link, Postgres):
            said = await self._sql()
        else:
            async with self._site.redis(self._fault.link) as client:
                reply = await client.execute_command(*shlex.split(self._fault.text))  # type: ignore[no-untyped-call]  # redis-py
                said = repr(reply)
        self._done = 1
        self._site.witness("executed", str(self._fault.link), f"{self._fault.text}: {said}")

    async def _sql(self) -> str:
        async with self._site.sql(self._fault.link) as session:
            return str(await session.execute(self._fault.text))

    async def fired(self) -> int:
        return self._done

    async def heal(self) -> None:
        """What was done is done."""


lock, flush, poison, execute = Lock, Flush, Poison, Execute
