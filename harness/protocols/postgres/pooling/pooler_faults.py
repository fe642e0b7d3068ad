"""Faults of a pooler: a healthy one with its own limits, and one that is paused."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import ClassVar

from harness.capability import PGBOUNCER
from harness.errors import HarnessError, UsageError
from harness.faults.background import Background
from harness.faults.evidence import EvidenceKind
from harness.faults.example import Example, Ground
from harness.faults.fault import Injection, Need
from harness.faults.links.meter import LinkMeter
from harness.faults.messages.timing import TimedFault
from harness.faults.site import Site
from harness.protocols.postgres.pooling.bouncer import PgBouncer, PoolerSettings
from harness.protocols.postgres.pooling.pooler_link import Pooler, pooler_behind
from harness.protocols.postgres.words import Postgres

LOOK_EVERY_S = 0.02
POOLED = EvidenceKind("pooled", "kernel", "bytes of the service's moved on the link, which led to PgBouncer")
LIMIT_REACHED = EvidenceKind("pooler_limit_reached", "PgBouncer", "it turned clients of the service's away, by its log")
WAITED_FOR_POOLER = EvidenceKind(
    "waited_for_pooler", "PgBouncer", "clients of the service's waited for a server, by SHOW POOLS"
)
TURNED_AWAY = ("no more connections allowed", "query_wait_timeout", "unsupported startup parameter")
"""Its log's line about a client that one of its limits ends."""


@dataclass(frozen=True, repr=False)
class Pool(TimedFault, kind="server.pooler"):
    """A PgBouncer with transaction pooling is put behind a link through which the service can use a pooler.

    For example, with two connections to the server for all clients::

        pooled = Postgres("pooled")
        await lab.restart("DATABASE_URL={pooled.url}", "WEBHOOK_BEHIND_POOLER=1")
        async with lab.inject(server.pooler(pooled, default_pool_size=2)):
            await lab.deliver(8)

    Each transaction gets the connection that has been idle longest (`server_round_robin`), so that the next transaction
    does not have a session's prepared statements and settings. PgBouncer reaches the server through the link that the
    pooler's link names (`pool_of`): on one link the relay sees what the service says to PgBouncer, on the other what
    PgBouncer says to the server. While this fault is in force, every other fault of the pooler's link strikes
    PgBouncer: `server.restart(pooled)`. Earlier connections end. When healed, the link leads to the server again.

    Args:
        link: a link with `pool_of` in the target description.
        default_pool_size: how many connections to the server it has, as in pgbouncer(5).
        max_client_conn: how many clients may be connected; further ones are refused (08P01).
        query_wait_timeout_s: how long a client waits for a connection to the server until it is refused (08P01).
        ignore_startup_parameters: whether it accepts clients that set time-outs when they connect, and ignores these
            settings; by default it refuses them (08P01).
        at: when it strikes. At a message the relay holds that message until the fault has struck. At another moment it
            strikes as soon as the moment is seen. None: when it is injected.

    Raises:
        UsageError: a number is less than 1; or, when it is injected, the link does not lead through a pooler.
    """

    does: ClassVar[str] = "put a PgBouncer behind {fault.link}"
    needs: ClassVar[frozenset[Need]] = frozenset({PGBOUNCER})
    needs_own_server: ClassVar[bool] = True
    of_a_pooler: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (POOLED, LIMIT_REACHED)
    link: Postgres
    default_pool_size: int = field(default=20, kw_only=True)
    max_client_conn: int = field(default=100, kw_only=True)
    query_wait_timeout_s: int = field(default=120, kw_only=True)
    ignore_startup_parameters: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("default_pool_size", "max_client_conn", "query_wait_timeout_s"):
            if getattr(self, name) < 1:
                raise UsageError.at(self.kind, name, getattr(self, name), "less than 1", mend="write 1 or more")

    @property
    def settings(self) -> PoolerSettings:
        """The command for PgBouncer."""
        return PoolerSettings(
            default_pool_size=self.default_pool_size, max_client_conn=self.max_client_conn,
            query_wait_timeout_s=self.query_wait_timeout_s,
            ignore_startup_parameters=self.ignore_startup_parameters,
        )  # fmt: skip

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """Deliveries share one connection to the server."""
        fault = cls(ground.link_as(Postgres), default_pool_size=1)
        return Example(fault, deliveries=5, restarted_with=ground.pooled_with)

    def injection(self, site: Site) -> Injection:
        """Start PgBouncer, and lead the link to it."""
        return _Pool(self, site)


class _Pool(Injection):
    def __init__(self, fault: Pool, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._pooler = Pooler(site, fault, fault.link, fault.settings)
        self._meter = LinkMeter(site, fault.link)
        self._in_force = False

    async def prepare(self) -> None:
        await self._pooler.make()

    async def act(self) -> None:
        await self.prepare()
        await self._meter.begin()
        self._in_force = True

    async def fired(self) -> int:
        """How many of the service's connections to it have carried bytes."""
        return (await self._meter.read()).touched if self._in_force else 0

    async def heal(self) -> None:
        """Record the traffic through it, once; lead the link to the server, and end PgBouncer."""
        pooler = self._pooler.process
        try:
            if self._in_force and pooler is not None:
                self._in_force = False
                activity = await self._meter.end()
                if activity.touched:
                    self._site.saw(POOLED, f"{activity}, through PgBouncer {pooler.version}")
                if (away := _turned_away(pooler)) > 0:
                    self._site.saw(LIMIT_REACHED, f"{away} clients")
        finally:
            await self._pooler.give_up()


def _turned_away(pooler: PgBouncer) -> int:
    log = pooler.log
    return 0 if log is None else sum(log.read().count(f"closing because: {why}") for why in TURNED_AWAY)


@dataclass(frozen=True, repr=False)
class PausePooler(TimedFault, kind="server.pause_pooler"):
    """The PgBouncer behind a link is paused (PAUSE), as for a restart of the server behind it, until healed (RESUME).

    For example::

        pooled = Postgres("pooled")
        async with lab.inject(server.pooler(pooled)), lab.inject(server.pause_pooler(pooled)):
            await lab.deliver(expect=REFUSED)

    PgBouncer first lets open transactions end. Then clients stay connected and get no answer: PgBouncer holds their
    messages until it is resumed.

    Args:
        link: a link behind which `server.pooler` has put a PgBouncer.
        at: as of `server.pooler`.

    Raises:
        UsageError: when it is injected, if there is no PgBouncer behind the link.
    """

    does: ClassVar[str] = "pause the PgBouncer behind {fault.link}"
    needs: ClassVar[frozenset[Need]] = frozenset({PGBOUNCER})
    needs_own_server: ClassVar[bool] = True
    of_a_pooler: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (WAITED_FOR_POOLER,)
    link: Postgres

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """A delivery waits for a pooler that answers nothing."""
        link = ground.link_as(Postgres)
        return Example(cls(link), before=(Pool(link),), restarted_with=ground.pooled_with, met="until met")

    def injection(self, site: Site) -> Injection:
        """Pause it, and count who waits."""
        return _PausePooler(self, site)


class _PausePooler(Injection):
    def __init__(self, fault: PausePooler, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._pooler: PgBouncer | None = None
        self._looking = Background()
        self._most_waiting = 0

    async def act(self) -> None:
        pooler = pooler_behind(self._site, self._fault.link, self._fault.kind)
        await pooler.ask("PAUSE")
        self._pooler = pooler
        self._looking.begin(self._look(pooler))

    async def _look(self, pooler: PgBouncer) -> None:
        """Look repeatedly: PgBouncer forgets a client that gives up."""
        while True:
            rows = await pooler.ask("SHOW POOLS")
            waiting = sum(int(row["cl_waiting"]) for row in rows)
            self._most_waiting = max(self._most_waiting, waiting)
            await asyncio.sleep(LOOK_EVERY_S)  # nothing announces it

    async def fired(self) -> int:
        """How many clients have waited at once, at most."""
        return self._most_waiting

    async def heal(self) -> None:
        """Resume it, and record who has waited, once."""
        pooler, self._pooler = self._pooler, None
        if pooler is None:
            return
        await self._looking.end(cancel=True)
        try:
            self._looking.check()
            await pooler.ask("RESUME")
        except OSError as error:
            raise HarnessError(f"PgBouncer cannot be resumed: {error}", hint="see its log for the reason") from error
        if self._most_waiting:
            self._site.saw(WAITED_FOR_POOLER, f"{self._most_waiting} at once")


pooler, pause_pooler = Pool, PausePooler

__all__ = ["pause_pooler", "pooler"]
