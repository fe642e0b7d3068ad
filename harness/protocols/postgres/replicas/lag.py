"""Faults of a standby from which the service reads: a healthy one, and one that lags."""

from __future__ import annotations

import abc
import dataclasses
from dataclasses import dataclass, field
from typing import ClassVar

from harness.errors import HarnessError, UsageError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import Example, Ground
from harness.faults.fault import Injection
from harness.faults.site import Site
from harness.polling import poll_async
from harness.protocols.postgres.failover.rows import missing, stored_on
from harness.protocols.postgres.probes import session as open_session
from harness.protocols.postgres.replicas.replica_link import (
    STREAMED,
    OnReplica,
    ReplicaFault,
    read_behind,
    set_and_reload,
)
from harness.protocols.postgres.server import PostgresServer
from harness.protocols.postgres.words import Postgres

PAUSED_WITHIN_S = 30.0
STALE_READ = EvidenceKind(
    "stale_read", "PostgreSQL", "the service read from the standby while that lacked rows of the primary"
)


READ_THERE = EvidenceKind("read_there", "PostgreSQL", "the service read what it has stored from the standby")


@dataclass(frozen=True, repr=False)
class OnStandby(ReplicaFault, kind="server.standby"):
    """A standby that streams from the primary is put behind a link through which the service reads a replica.

    For example, to break that standby and nothing else::

        replica = Postgres("replica")
        async with lab.inject(server.standby(replica)), lab.inject(server.crash(replica, down_ms=None)):
            await lab.request("delivery", of=0)

    It is asynchronous, so it is behind by the time that streaming and replay take. While this fault is in force, every
    other fault of that link's server strikes the standby. Earlier connections end. When healed, the link leads to the
    primary again. Its streaming is evidence that it was there; only reads of the service show that the service felt it.

    Args:
        link: a link with `replica_of` in the target description.
        at: when it strikes. At a message the relay holds that message until the fault has struck. At another moment it
            strikes as soon as the moment is seen. None: when it is injected.

    Raises:
        UsageError: when it is injected, if the link reads no replica.
    """

    does: ClassVar[str] = "put a standby behind {fault.link}"
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (STREAMED, READ_THERE)

    def injection(self, site: Site) -> Injection:
        """Create the standby, and lead the link to it."""
        return _OnStandby(self, site)


class _OnStandby(OnReplica):
    _acted = False

    async def act(self) -> None:
        await self.prepare()
        self._acted = True
        self._site.saw(STREAMED, "it streams, and has replayed all", server=self._replica.laid)

    async def fired(self) -> int:
        """How many reads the standby has answered."""
        return self._replica.reads() if self._acted else 0

    async def heal(self) -> None:
        """Record the reads there, once; lead the link to the primary, and stop the standby."""
        try:
            reads = await self.fired()
            self._acted = False
            if reads:
                self._site.saw(READ_THERE, f"{reads} reads of the service's", server=self._replica.laid)
        finally:
            await self._replica.give_up()


@dataclass(frozen=True, repr=False)
class PauseReplay(ReplicaFault, kind="server.pause_replay"):
    """The standby that the service reads stops replaying: it lacks everything that is committed from then on.

    For example::

        replica = Postgres("replica")
        async with lab.inject(server.pause_replay(replica)):
            await lab.deliver()
            await lab.request("delivery", of=0, expect=ACKNOWLEDGED)

    It calls `pg_wal_replay_pause` ("Recovery Control Functions" in PostgreSQL's manual) when the standby has caught up.
    A standby that a long query, a full disk or a slow machine delays looks the same. The fault creates the standby, as
    `server.standby` does. The service must read from the standby while that lacks a row; otherwise the run is
    inconclusive.

    Args:
        link: a link with `replica_of` in the target description.
        at: as of `server.standby`.

    Raises:
        UsageError: when it is injected, if the link reads no replica.
    """

    does: ClassVar[str] = "pause the replay of the standby behind {fault.link}"
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (STALE_READ,)

    def injection(self, site: Site) -> Injection:
        """Create the standby, and pause it."""
        return _PauseReplay(self, site)


@dataclass(frozen=True, repr=False)
class DelayReplay(ReplicaFault, kind="server.delay_replay"):
    """The standby that the service reads replays each transaction `delay_ms` after its commit.

    For example::

        replica = Postgres("replica")
        async with lab.inject(server.delay_replay(replica, delay_ms=3_600_000)):
            await lab.deliver()
            await lab.request("delivery", of=0, expect=ACKNOWLEDGED)

    It sets `recovery_min_apply_delay`, which operators use on purpose to keep a view of the past. The fault creates the
    standby, as `server.standby` does. Its evidence is that of `server.pause_replay`.

    Args:
        link: a link with `replica_of` in the target description.
        delay_ms: how long, 1 or more.
        at: as of `server.standby`.

    Raises:
        UsageError: `delay_ms` is less than 1; or, when it is injected, the link reads no replica.
    """

    does: ClassVar[str] = "let the standby behind {fault.link} be {fault.delay_ms} ms behind"
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (STALE_READ,)
    delay_ms: int = field(kw_only=True)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """A delivery is read that the standby lacks."""
        return read_behind(cls(ground.link_as(Postgres), delay_ms=3_600_000), ground)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.delay_ms < 1:
            raise UsageError.at(self.kind, "delay_ms", self.delay_ms, "less than 1", mend="write 1 or more")

    def injection(self, site: Site) -> Injection:
        """Create the standby, and set the delay."""
        return _DelayReplay(self, site)


class _Behind(OnReplica):
    """Makes the standby fall behind, and counts the reads that it then answers."""

    _log_mark: int | None = None

    async def act(self) -> None:
        server = await self._replica.make()
        await self.hold_up(server)
        self._log_mark = server.log.size() if server.log else 0

    @abc.abstractmethod
    async def hold_up(self, server: PostgresServer) -> None:
        """Make it replay nothing new, or replay late."""

    @abc.abstractmethod
    async def let_go(self, server: PostgresServer) -> None:
        """Make it replay everything, because the standby may belong to another fault."""

    async def fired(self) -> int:
        """How many reads the standby has answered, if it lacks rows of the primary."""
        if self._log_mark is None:
            return 0
        reads = self._replica.reads(self._log_mark)
        return reads if reads and await self._lacked() else 0

    async def _lacked(self) -> int:
        """How many of the primary's rows it lacks; 1 if the target has no SQL that lists them."""
        followed = self._replica.followed
        there = await stored_on(followed)
        if there is None:
            return 1
        here = await stored_on(dataclasses.replace(followed, own=self._replica.laid.own))
        return len(missing(there, here or ()))

    async def heal(self) -> None:
        """Record the stale reads, once; let it replay, and stop using it."""
        try:
            reads = await self.fired()
            mark, self._log_mark = self._log_mark, None
            if reads:
                lacked = await self._lacked()
                detail = f"{reads} reads of the service's, while it lacked {lacked} rows"
                self._site.saw(STALE_READ, detail, server=self._replica.laid)
            if mark is not None:
                await self.let_go(await self._replica.make())
        finally:
            await self._replica.give_up()


class _PauseReplay(_Behind):
    async def hold_up(self, server: PostgresServer) -> None:
        async with open_session(server.url()) as standby:
            await standby.execute("SELECT pg_wal_replay_pause()")

            async def paused() -> bool:
                return bool(await standby.fetchval("SELECT pg_get_wal_replay_pause_state()") == "paused")

            if not await poll_async(paused, within_s=PAUSED_WITHIN_S):
                raise HarnessError(f"{server.name} still replays {PAUSED_WITHIN_S:g} s after pg_wal_replay_pause()")

    async def let_go(self, server: PostgresServer) -> None:
        async with open_session(server.url()) as standby:
            await standby.execute("SELECT pg_wal_replay_resume()")


class _DelayReplay(_Behind):
    def __init__(self, fault: DelayReplay, site: Site) -> None:
        super().__init__(fault, site)
        self._delay_ms = fault.delay_ms

    async def hold_up(self, server: PostgresServer) -> None:
        await set_and_reload(server.url(), f"ALTER SYSTEM SET recovery_min_apply_delay = {self._delay_ms}")
        async with open_session(server.url()) as standby:

            async def set_now() -> bool:
                setting = "SELECT setting FROM pg_settings WHERE name = 'recovery_min_apply_delay'"
                return bool(await standby.fetchval(setting) == str(self._delay_ms))

            if not await poll_async(set_now, within_s=PAUSED_WITHIN_S):
                raise HarnessError(f"{server.name} has not read its configuration in {PAUSED_WITHIN_S:g} s")

    async def let_go(self, server: PostgresServer) -> None:
        await set_and_reload(server.url(), "ALTER SYSTEM RESET recovery_min_apply_delay")


standby, pause_replay, delay_replay = OnStandby, PauseReplay, DelayReplay

__all__ = ["delay_replay", "pause_replay", "standby"]
