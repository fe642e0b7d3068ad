"""Brings a lane's service into the state in which a kind of delivery begins."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine.laying.tls import told_with_tls
from harness.engine.rig import RETRY_EVERY_S, Rig
from harness.engine.workload.clients import Answer, Errand
from harness.errors import HarnessError
from harness.history import Recorder
from harness.history.events import Purpose
from harness.polling import poll_async
from harness.search.recording.places import Kind
from harness.search.sweep.lane import Lane
from harness.target import Delivery
from harness.vocabulary import ACKNOWLEDGED, REFUSED, THROTTLED

NOT_NOW = REFUSED | THROTTLED
TRIES = 4
"""A dead connection in a pool makes one request fail if the service does not check it first. A lane's pool has few."""


class NotReadyError(HarnessError):
    """The service did not reach the state, so the cell proves nothing."""


@dataclass(frozen=True, slots=True)
class _Warm:
    """An acknowledged delivery, and how many connections had ended by then. Its own connections are open."""

    ended_connections: int
    stored: Delivery
    answer: Answer


class States:
    """Knows the lane's state, and does only what the next one needs."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._warm: _Warm | None = None
        self._finds_dead: bool | None = None
        self._short_lived: frozenset[str] = frozenset()
        """Hops on which the service keeps no connection: every delivery opens one, and closes it."""

    @property
    def finds_dead(self) -> bool:
        """Whether a request that meets dead connections is still acknowledged, as far as this was tried."""
        return bool(self._finds_dead)

    @property
    def ended_connections(self) -> int:
        """How many connections have ended so far that the service would have kept."""
        ended = self._lane.reports.ended
        return sum(count for hop, count in ended.items() if hop not in self._short_lived)

    async def reach(self, kind: Kind, rig: Rig) -> Delivery:
        """Reach the state. Return what to deliver or to read.

        Raises NotReadyError, and EndedError if the service ended instead, such as when its connections were cut.

        The requests that this takes are in the history and are judged like any others.
        """
        if self._finds_dead is None:
            self._finds_dead = await self.tries_connections_first(rig)
            self._lane.new_log_lines()  # what the trial made it log does not belong to this cell
        if kind in ("fresh", "copies"):
            await self._make_fresh(rig)
            self._lane.new_log_lines()
            return self._lane.make()
        warm = self._warm
        if warm is None or warm.ended_connections != self.ended_connections:
            if not self._finds_dead:
                # A dead connection left in the pool would be met by a later cell and blamed on it.
                await self._make_fresh(rig)
            warm = await self._make_warm(rig)
            if not self._finds_dead:
                self._lane.new_log_lines()  # those requests have used up the dead connections
        elif kind in ("repeat", "read"):
            # An earlier cell saw the first answer. The next answer must be equal, and what it confirms must be stored.
            rig.clients.record_exchange(warm.stored, Errand(purpose=Purpose.WARM), warm.answer)
        return self._lane.make() if kind == "warm" else warm.stored

    def acknowledged(self, delivery: Delivery, answer: Answer, *, ended_before: int) -> None:
        """Record that a delivery was acknowledged. If no connection has ended since it began, the lane is warm."""
        self._warm = _Warm(ended_before, delivery, answer)

    def forget(self) -> None:
        """Forget the state: the service was restarted, or data was corrupted."""
        self._warm = None

    async def _make_warm(self, rig: Rig, *, waited: bool = False) -> _Warm:
        """`waited`: the harness has already waited once for a service that said "not now"."""
        last, always = "", frozenset(self._lane.site.hops.values())
        answer: Answer | None = None
        for _ in range(2 * TRIES):
            before, ended, delivery = self._lane.reports.ended.copy(), self.ended_connections, self._lane.make()
            answer = await self._lane.deliver(rig, delivery, Purpose.WARM)
            if answer.outcome == ACKNOWLEDGED and self.ended_connections == ended:
                self._warm = _Warm(ended, delivery, answer)
                return self._warm
            last = answer.story
            always &= (self._lane.reports.ended - before).keys() if answer.outcome == ACKNOWLEDGED else set()
        if always - self._short_lived:
            # Each was acknowledged, and a connection ended during each: the service keeps none there.
            self._short_lived |= always
            return await self._make_warm(rig, waited=waited)
        await self._lane.check_alive()
        if answer is not None and answer.outcome in NOT_NOW and not waited and await self._acknowledges_again(rig):
            return await self._make_warm(rig, waited=True)
        problem = f"{2 * TRIES} deliveries did not make the service ready, the last one: {last}"
        raise NotReadyError(await told_with_tls(self._lane.relay, self._lane.site.hops, problem))

    async def _acknowledges_again(self, rig: Rig) -> bool:
        """Whether it does so in time. A service that reconnects in the background refuses requests until then."""

        async def acknowledges() -> bool:
            answer = await self._lane.deliver(rig, self._lane.make(), Purpose.WARM)
            return answer.outcome == ACKNOWLEDGED

        return bool(await poll_async(acknowledges, within_s=rig.recovery_s, interval_s=RETRY_EVERY_S))

    async def _make_fresh(self, rig: Rig) -> None:
        self._warm = None
        await self._lane.make_fresh()
        if not self._finds_dead:
            await self._use_up_dead_connections(rig)
            await self._lane.make_fresh()

    async def tries_connections_first(self, rig: Rig) -> bool:
        """Whether a request that meets dead connections in the pools is still acknowledged."""
        await self._make_warm(rig)
        await self._lane.make_fresh()
        answer = await self._lane.deliver(rig.recording(Recorder()), self._lane.make(), Purpose.WARM)
        await self._make_warm(rig)
        return answer.outcome == ACKNOWLEDGED

    async def _use_up_dead_connections(self, rig: Rig) -> None:
        """Let requests fail on the dead connections, until one would open a new connection and is refused."""
        lane = self._lane
        refused = [laid.hop for laid in lane.with_transactions]
        for hop in refused:
            await lane.relay.refuse(hop, True)
        try:
            for _ in range(2):
                await lane.deliver(rig.recording(Recorder()), lane.make(), Purpose.WARM)
        finally:
            for hop in refused:
                await lane.relay.refuse(hop, False)


__all__ = ["NotReadyError", "States"]
