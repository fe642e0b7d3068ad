"""Brings a lane's service into the state that a kind of delivery begins in."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine.laying.tls import told_with_tls
from harness.errors import HarnessError
from harness.history.events import Purpose
from harness.protocols.contract.search import SEARCHED
from harness.search.recording.places import Kind
from harness.search.sweep.cell_history import CellHistory
from harness.search.sweep.http import Reply
from harness.search.sweep.lane import Lane
from harness.target import Delivery
from harness.vocabulary import ACKNOWLEDGED

TRIES = 4
"""Dead connections in a pool that nobody tries first make as many requests fail; a lane has few."""


class NotReadyError(HarnessError):
    """The service did not come into the state: nothing can be concluded from the cell."""


@dataclass(frozen=True, slots=True)
class _Warm:
    """A delivery that was acknowledged, and how many connections had ended by then: those it went over are open."""

    ends: int
    stored: Delivery
    answer: Reply


class States:
    """Knows what state the lane is in, and does no more than is needed for the next."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._warm: _Warm | None = None
        self._finds_dead: bool | None = None

    async def reach(self, kind: Kind, history: CellHistory) -> Delivery:
        """Return what is to be delivered, or read, when the state is reached. Raises NotReadyError.

        The requests that it takes are in the history: they are judged as any other.
        """
        if self._finds_dead is None:
            self._finds_dead = await self._tries_connections_first(history)
            self._lane.new_log_lines()  # what the trial made it log is no cell's doing
        if kind in ("fresh", "copies"):
            await self._make_fresh()
            self._lane.new_log_lines()
            return self._lane.make()
        warm = self._warm
        if warm is None or warm.ends != self._lane.ends:
            if not self._finds_dead:
                # One that lies dead in the pool would be met by some later cell, and be taken for its doing.
                await self._make_fresh()
            warm = await self._make_warm(history)
            if not self._finds_dead:
                self._lane.new_log_lines()  # what those told of that used dead connections up
        elif kind in ("repeat", "read"):
            # An earlier cell has seen the first answer: the next must be its like, and what it confirmed be stored.
            history.ended(history.sent(warm.stored, Purpose.WARM), warm.answer)
        return self._lane.make() if kind == "warm" else warm.stored

    def acknowledged(self, delivery: Delivery, reply: Reply, *, ends_before: int) -> None:
        """A delivery was acknowledged: if no connection has ended meanwhile, the lane is warm."""
        self._warm = _Warm(ends_before, delivery, reply)

    def forget(self) -> None:
        """Take nothing for granted: the service was started anew, or something was garbled."""
        self._warm = None

    async def _make_warm(self, history: CellHistory) -> _Warm:
        last = ""
        for _ in range(2 * TRIES):
            ends, delivery = self._lane.ends, self._lane.make()
            reply = await self._lane.deliver(delivery, Purpose.WARM, history)
            if reply.outcome == ACKNOWLEDGED and self._lane.ends == ends:
                self._warm = _Warm(ends, delivery, reply)
                return self._warm
            last = str(reply)
        problem = f"{2 * TRIES} deliveries did not make the service ready, the last one: {last}"
        raise NotReadyError(await told_with_tls(self._lane.relay, self._lane.hops, problem))

    async def _make_fresh(self) -> None:
        self._warm = None
        await self._lane.make_fresh()
        if not self._finds_dead:
            await self._use_up_dead_connections()
            await self._lane.make_fresh()

    async def _tries_connections_first(self, history: CellHistory) -> bool:
        """Whether a request that meets dead connections in the pools is acknowledged all the same."""
        await self._make_warm(history)
        await self._lane.make_fresh()
        reply = await self._lane.deliver(self._lane.make(), Purpose.WARM, CellHistory())
        await self._make_warm(history)
        return reply.outcome == ACKNOWLEDGED

    async def _use_up_dead_connections(self) -> None:
        """Have requests fail on the dead connections, until one would open another and is refused."""
        lane = self._lane
        links = lane.links.values()
        refused = [laid.hop for laid in links if SEARCHED.of(laid.link.protocol).transactions is not None]
        for hop in refused:
            await lane.relay.refuse(hop, True)
        try:
            for _ in range(2):
                await lane.deliver(lane.make(), Purpose.WARM, CellHistory())
        finally:
            for hop in refused:
                await lane.relay.refuse(hop, False)


__all__ = ["NotReadyError", "States"]
