"""The failover fault: the primary is killed, and its standby is promoted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias, cast

from harness.errors import UsageError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Connections, Injection
from harness.faults.server_away import Away, ServerAway
from harness.faults.site import Site
from harness.history.events import FailedOver, StoredRow
from harness.protocols.postgres.failover.rows import missing, stored_on, stored_on_ended
from harness.protocols.postgres.failover.standby import Standby, StandbyKind
from harness.protocols.postgres.server import Copy, PostgresServer
from harness.protocols.postgres.words import Postgres
from harness.stack.servers.server import Server
from harness.vocabulary import ANY_OUTCOME

Primary: TypeAlias = Literal["killed", "stopped"]
"""How the primary ends."""
ROWS_LACKED = EvidenceKind(
    "rows_lacked", "harness", "the new primary did not have rows that the old one had", felt=False
)


FAILED_BACK = EvidenceKind("failed_back", "harness", "the old primary was rewound, and has its place again", felt=False)


@dataclass(frozen=True, repr=False)
class Promote(ServerAway, kind="server.promote"):
    """PostgreSQL's primary ends and its standby is promoted, as in a failover behind one address.

    For example::

        async with lab.inject(server.promote(postgres, at=postgres.answered("COMMIT"))):
            await lab.deliver()

    The standby is created when the fault is injected. From then on a COMMIT is answered only when the standby has it,
    too, so no acknowledged delivery may be lost at any moment. When the fault strikes, the primary gets SIGKILL,
    connects are refused for `down_ms` and during the promotion, and then the same address leads to the new primary. A
    service that commits without waiting (`synchronous_commit = off` or `local`) loses deliveries.

    With `standby="asynchronous"` the primary does not wait, and the standby gets no commits after the injection:
    acknowledged deliveries are lost with the primary. That fails the run, unless the scenario says how many may be
    lost; then they are counted and shown::

        over = server.promote(postgres, standby="asynchronous", at=service.answers(at_least=5))
        async with lab.inject(over):
            await lab.deliver(5)
            await lab.until(over.fired())
        lab.expect(service.rows_lost, at_most=5)

    With `standby="stuck"` the primary waits for a standby that gets nothing: every COMMIT waits until the primary is
    killed, and no other node has what the primary committed. None of these deliveries may have been acknowledged::

        async with lab.inject(server.promote(postgres, standby="stuck", at=postgres.waiting("COMMIT"))):
            await lab.deliver()

    If the standby lacked no row, such a run is inconclusive. To count the rows, the harness starts the old primary
    again, at its own address, where the service cannot reach it.

    With `fail_back=True` the old primary takes over again when the fault is healed: `pg_rewind` makes it follow the new
    one, the new one is stopped when it has sent everything, and the old one is promoted. No delivery that was
    acknowledged in between may be lost; rows that only the old one had stay lost.

    Args:
        link: the link to the PostgreSQL server. Every other link to the same server is struck, too.
        standby: "synchronous", "asynchronous" or "stuck".
        primary: "killed", or "stopped" as by a managed service: sessions end with 57P01.
        fail_back: whether the old primary takes over again when healed.
        down_ms: how long it takes until the standby gets the order to take over, 0 or more.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until the
            primary has ended. At another moment it strikes as soon as the moment is seen. None: when it is injected.

    Raises:
        UsageError: `down_ms` is less than 0, or `standby` is something else.
    """

    evidence: ClassVar[tuple[EvidenceKind, ...]] = (*ServerAway.evidence, ROWS_LACKED, FAILED_BACK)
    takes: ClassVar[frozenset[Connections]] = frozenset()
    link: Postgres
    down_ms: int = field(default=0, kw_only=True)
    standby: StandbyKind = field(default="synchronous", kw_only=True)
    primary: Primary = field(default="killed", kw_only=True)
    fail_back: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.down_ms < 0:
            raise UsageError.at(self.kind, "down_ms", self.down_ms, "less than 0", mend="write 0 to promote it at once")

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """Deliveries that come before the promotion may be refused."""
        return Example(cls(ground.link_as(Postgres)), deliveries=SOME, expect=ANY_OUTCOME)

    def effect(self) -> str:
        """What it does, when the promotion begins, and whether it is undone."""
        back = ", and back when healed" if self.fail_back else ""
        end = "kill" if self.primary == "killed" else "stop"
        return f"{end} the primary of {self.link} and promote its {self.standby} standby after {self.down_ms} ms{back}"

    @property
    def back_after_ms(self) -> int | None:
        """`down_ms`."""
        return self.down_ms

    def end(self, server: Server) -> None:
        """Kill it, or stop it."""
        if self.primary == "killed":
            server.crash()
        else:
            server.stop()

    def injection(self, site: Site) -> Injection:
        """Create the standby, end the primary, promote the standby, lead the link to it."""
        return _Promote(self, site)


class _Promote(Away):
    def __init__(self, fault: Promote, site: Site) -> None:
        super().__init__(fault, site)
        self._promotion = fault
        self._standby: Standby | None = None
        self._ended_ns = 0
        self._lacked: tuple[StoredRow, ...] | None = None
        self._failed_back = False

    async def prepare(self) -> None:
        if self._standby is None:
            server = cast("PostgresServer", self.server)
            self._standby = await asyncio.to_thread(Standby, server, self._promotion.standby)

    async def end_server(self) -> None:
        """End the primary, and note the time of its end."""
        await super().end_server()
        self._ended_ns = time.monotonic_ns()

    async def bring_back(self, listens: Callable[[], Awaitable[None]]) -> None:
        """Promote the standby, and lead the links to it. Then compare what both nodes have stored."""
        if self._standby is None:
            raise AssertionError("act() has prepared it")
        await asyncio.to_thread(self._standby.promote)
        self._lacked = await self._taken_over(self._standby, self._promotion.standby, listens)

    async def _taken_over(
        self, standby: Standby, kind: str, listens: Callable[[], Awaitable[None]]
    ) -> tuple[StoredRow, ...] | None:
        """Lead the links to the new primary, and record which of the old one's rows it lacks."""
        # Before the service reaches it, and stores lost deliveries there again.
        at_first = await stored_on(self.site.laid(self._promotion.link))
        took_over_ns = time.monotonic_ns()
        await self.site.relink(self.server)
        await listens()
        if standby.former is None:
            raise AssertionError("it has taken the primary's place")
        lacked = await self._compare(standby.former, at_first)
        away_ms = round((took_over_ns - self._ended_ns) / 1e6, 1)
        event = FailedOver(self.server.name, kind, away_ms, round(standby.promotion_ms, 1), lacked)
        self.site.failed_over(event, took_over_ns)
        return lacked

    async def _fail_back(self, standby: Standby) -> None:
        await asyncio.to_thread(standby.rewind_former)
        await self.refuse()
        self._ended_ns = time.monotonic_ns()
        await asyncio.to_thread(standby.give_back)
        await self._taken_over(standby, "rewound", self.accept)
        self.site.saw(FAILED_BACK, f"the old primary took over again in {standby.promotion_ms:.0f} ms")

    async def _compare(self, former: Copy, now: Sequence[StoredRow] | None) -> tuple[StoredRow, ...] | None:
        """Start the old primary beside the new one, and return which of its rows the new one lacked."""
        if now is None:
            return None
        lacked = missing(await stored_on_ended(self.site.laid(self._promotion.link), former), now)
        if lacked:
            self.site.saw(ROWS_LACKED, f"{len(lacked)} rows, the first {lacked[0].id}")
        return lacked

    def did_what_it_is_for(self) -> bool:
        """A standby that got nothing must lack some rows, unless rows cannot be compared."""
        return self._promotion.standby == "synchronous" or self._lacked != ()

    async def fired(self) -> int:
        """How many connections ended or were refused; 1 if there was none but the standby lacked a row."""
        return await super().fired() or int(bool(self._lacked))

    async def instead(self) -> str:
        await self.returned()
        return "" if self.did_what_it_is_for() else "the standby had all that the primary had"

    async def heal(self) -> None:
        """If the primary has ended and the standby is not promoted, promote it. Stop a standby that is not needed."""
        try:
            await super().heal()
            promoted = self._standby is not None and self._standby.former is not None
            if self._standby is not None and promoted and self._promotion.fail_back and not self._failed_back:
                self._failed_back = True
                await self._fail_back(self._standby)
        finally:
            if self._standby is not None:
                await asyncio.to_thread(self._standby.close)


promote = Promote

__all__ = ["promote"]
