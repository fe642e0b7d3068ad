"""The servers themselves: what another session does to them."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import ClassVar

from harness.errors import UsageError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Injection
from harness.faults.locks import hold_commits, lock  # named from here, where a scenario looks for them
from harness.faults.monitor import CommandMonitor
from harness.faults.site import Site
from harness.faults.timing import TimedFault
from harness.protocols.contract.probes import NotUnderstoodError, Said
from harness.protocols.postgres.probes import session
from harness.protocols.postgres.words import Postgres
from harness.protocols.redis.probes import client
from harness.protocols.redis.words import Redis
from harness.vocabulary import Link

ENDED_WITHIN_MS = 5_000
SESSIONS_ENDED = EvidenceKind("sessions_ended", "PostgreSQL", "a session of the service was ended")
KEYS_LOST = EvidenceKind("keys_lost", "Redis", "there were keys of the service, and they are gone")
POISON_MET = EvidenceKind("poison_met", "Redis", "the service asked for one of the keys: MONITOR shows it")
EXECUTED = EvidenceKind("executed", "server", "the server says that it carried the text out")


@dataclass(frozen=True, repr=False)
class EndSessions(TimedFault, kind="server.end_sessions"):
    """PostgreSQL ends every session of the service (pg_terminate_backend), once; new ones are welcome."""

    evidence: ClassVar[tuple[EvidenceKind, ...]] = (SESSIONS_ENDED,)
    link: Postgres

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """It strikes and is over: what comes next is acknowledged."""
        return Example(cls(ground.link_as(Postgres)), met="after", deliveries=SOME)

    def effect(self) -> str:
        """What it does."""
        return "let PostgreSQL end every session of the service"

    def injection(self, site: Site) -> Injection:
        """End them, and wait until they are gone."""
        return _EndSessions(self, site)


class _EndSessions(Injection):
    def __init__(self, fault: EndSessions, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._ended = 0

    async def act(self) -> None:
        laid = self._site.laid(self._fault.link)
        async with session(laid.admin_url) as asking:
            # The second argument is how long to wait for its end, in milliseconds.
            ended = await asking.fetch(
                "SELECT pid, pg_terminate_backend(pid, $2) AS gone FROM pg_stat_activity WHERE usename = $1",
                laid.words["user"],
                ENDED_WITHIN_MS,
            )
        self._ended = sum(1 for row in ended if row["gone"])
        if self._ended:
            self._site.saw(SESSIONS_ENDED, f"{self._ended} sessions of the service terminated", server=laid)

    async def fired(self) -> int:
        return self._ended

    async def heal(self) -> None:
        """They stay ended."""


@dataclass(frozen=True, repr=False)
class Flush(TimedFault, kind="server.flush"):
    """Everything that the service keeps in Redis is gone, once.

    Not on a Redis that was given by URL: others may keep something in that database.
    """

    needs_own_server: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (KEYS_LOST,)
    link: Redis

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """It takes away what a delivery before it has left there."""
        return Example(cls(ground.link_as(Redis)), met="after", prepared=True)

    def effect(self) -> str:
        """What it does."""
        return "flush what the service keeps in Redis"

    def injection(self, site: Site) -> Injection:
        """FLUSHDB in the service's own database."""
        return _Flush(self, site)


class _Flush(Injection):
    def __init__(self, fault: Flush, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._lost = 0

    async def act(self) -> None:
        laid = self._site.laid(self._fault.link)
        async with client(laid.admin_url) as asking:
            self._lost = await asking.dbsize()
            await asking.flushdb()
        if self._lost:
            self._site.saw(KEYS_LOST, f"{self._lost} keys flushed", server=laid)

    async def fired(self) -> int:
        return self._lost

    async def heal(self) -> None:
        """What is flushed stays flushed."""


@dataclass(frozen=True, repr=False)
class Poison(TimedFault, kind="server.poison"):
    """Redis remembers every delivery that is still to come, though none of them was stored."""

    evidence: ClassVar[tuple[EvidenceKind, ...]] = (POISON_MET,)
    link: Redis

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The service asks for the keys, and stores all the same."""
        return Example(cls(ground.link_as(Redis)), deliveries=SOME)

    def effect(self) -> str:
        """What it does."""
        return "let Redis remember deliveries that were never stored"

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
        async with client(self._site.laid(self._fault.link).admin_url) as asking:
            await asking.mset(dict.fromkeys(self._keys, "1"))
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
            self._site.saw(
                POISON_MET, f"the service asked for {met} keys of deliveries never stored", server=self._laid
            )
        self._monitor = None
        await self._exits.aclose()


@dataclass(frozen=True, repr=False)
class Execute(TimedFault, kind="server.execute"):
    """SQL or a Redis command by another session, once: what no named fault covers.

    Evidence is what the server says of it: PostgreSQL's command tag, Redis's reply. A tag that counts
    no row (`UPDATE 0`) is none, nor is one that concerns the harness's own session alone (`SET`). A
    `SELECT` counts where it gave a row: it may have called a function, such as pg_terminate_backend,
    and nobody tells that from a mere read. A reply of Redis counts unless it is 0, false, empty,
    -1 or -2: `EXPIRE` of no such key is none, nor is `TTL` of it.

    What it changes may outlive the run (`CONFIG SET`, `REPLICAOF`, `ALTER SYSTEM`): the next scenario
    gets new servers, where they are the harness's own. On a server that was given by URL nobody puts
    it right. `undo` is run at heal, in the same way: needed where the run itself cannot end otherwise,
    as `REPLICAOF NO ONE` after `REPLICAOF 127.0.0.1 1`, for a replica has no keys to be cleared.
    Several faults are healed in reverse.

    Raises UsageError, which makes the run inconclusive, where the server does not understand the text.
    """

    evidence: ClassVar[tuple[EvidenceKind, ...]] = (EXECUTED,)
    link: Link
    text: str = field()
    undo: str = field(default="", kw_only=True)

    @classmethod
    def example(cls, ground: Ground) -> Example | None:
        """It strikes and is over: what comes next is acknowledged. None for a server that executes no text."""
        if not ground.harmless:
            return None
        return Example(cls(ground.link, ground.harmless), met="after", deliveries=SOME)

    def effect(self) -> str:
        """What it does."""
        return f"have another session on {self.link} do: {self.text}"

    @property
    def lasting(self) -> bool:
        """Whether there is nothing that undoes it."""
        return not self.undo

    def injection(self, site: Site) -> Injection:
        """Run it, past the proxy."""
        return _Execute(self, site)


class _Execute(Injection):
    def __init__(self, fault: Execute, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._done = 0
        self._said = ""
        self._undo_owed = False

    async def act(self) -> None:
        self._site.server_changes.append(repr(self._fault))  # before: what breaks halfway has changed something, too
        self._undo_owed = bool(self._fault.undo)
        said = await self._run(self._fault.text, "text")
        self._said = said.text
        if said.effective:
            self._done = 1
            self._site.saw(EXECUTED, f"{self._fault.text}: {self._said}")

    async def _run(self, text: str, key: str) -> Said:
        try:
            return await self._site.laid(self._fault.link).own.execute(text)
        except NotUnderstoodError as problem:
            mend = "write what this server understands"
            raise UsageError.at("server.execute", key, text, str(problem), mend=mend) from problem

    async def instead(self) -> str:
        return "" if self._done else f"the server said {self._said!r}" if self._said else ""

    async def fired(self) -> int:
        return self._done

    async def heal(self) -> None:
        """Run `undo`, once. Without one, what was done is done."""
        if self._undo_owed:
            self._undo_owed = False
            await self._run(self._fault.undo, "undo")


end_sessions, flush, poison, execute = EndSessions, Flush, Poison, Execute

__all__ = ["end_sessions", "execute", "flush", "hold_commits", "lock", "poison"]
