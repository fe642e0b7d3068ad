"""Measures what a failover cost: acknowledged rows that were lost, and the time without acknowledgements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.checks.facts.exchanges import Exchange, exchanges
from harness.history import History
from harness.history.events import FailedOver, FigureRead
from harness.vocabulary import CONFIRMED, RowsLost

__all__ = ["Gap", "acknowledged_by_old_primaries", "allowed_losses", "excused", "lost_by_failover", "write_gap"]

ASYNCHRONOUS = "asynchronous"


@dataclass(frozen=True, slots=True)
class Gap:
    """How long no delivery was acknowledged during a failover, and how long the failover itself took."""

    without_writes_ms: float
    failover_ms: float

    @property
    def ratio(self) -> float:
        """The first divided by the second; a service that goes on at once has 1."""
        return self.without_writes_ms / self.failover_ms


def lost_by_failover(history: History) -> Mapping[str, int]:
    """The acknowledged deliveries that the new primary lacked, each with the time at which it took over."""
    return history.once(_lost)


def _lost(history: History) -> Mapping[str, int]:
    return {**_lost_by(history, behind=False), **_lost_by(history, behind=True)}


def _lost_by(history: History, *, behind: bool) -> Mapping[str, int]:
    """The deliveries that were lost with an asynchronous standby, or with another one."""
    lost: dict[str, int] = {}
    for entry, over in history.placed(FailedOver):
        if (over.standby == ASYNCHRONOUS) == behind:
            lacked = {row.id for row in over.lacked or ()}
            told = (e for e in exchanges(history) if e.outcome in CONFIRMED and e.sent.delivers)
            lost |= {e.sent.delivery: entry.t_ns for e in told if e.sent.delivery in lacked and e.span[1] <= entry.t_ns}
    return lost


def acknowledged_by_old_primaries(history: History) -> int:
    """How many of them an old primary acknowledged after another was promoted: a split brain."""
    lost, count = lost_by_failover(history), 0
    for entry, over in history.placed(FailedOver):
        promoted_ns = entry.t_ns - round(over.served_on_ms * 1e6)
        told = (e for e in exchanges(history) if e.outcome in CONFIRMED and e.sent.delivers and e.sent.delivery in lost)
        count += len({e.sent.delivery for e in told if promoted_ns < e.span[1] <= entry.t_ns})
    return count


def allowed_losses(history: History) -> Mapping[str, int]:
    """The lost rows that are allowed: an asynchronous standby lacked them, and the scenario's limit is kept."""
    return history.once(_allowed)


def _allowed(history: History) -> Mapping[str, int]:
    others = _lost_by(history, behind=False)
    limits = [read for read in history.of(FigureRead) if isinstance(read.figure, RowsLost)]
    declared = any(read.at_most is not None for read in limits)
    kept = all(read.at_most is None or read.seen <= read.at_most for read in limits)
    if not (declared and kept):
        return {}
    return {delivery: t_ns for delivery, t_ns in _lost_by(history, behind=True).items() if delivery not in others}


def excused(exchange: Exchange, allowed: Mapping[str, int]) -> bool:
    """Whether the answer to this request may be forgotten: it was given before the new primary took over."""
    took_over_ns = allowed.get(exchange.sent.delivery)
    return took_over_ns is not None and exchange.span[1] <= took_over_ns


def write_gap(history: History) -> Gap | None:
    """The longest of all failovers; None if there was none, or nothing was acknowledged after one."""
    gaps = list(_gaps(history))
    return max(gaps, key=lambda gap: gap.without_writes_ms, default=None)


def _gaps(history: History) -> Iterator[Gap]:
    told = [e.span[1] for e in exchanges(history) if e.outcome in CONFIRMED and e.sent.delivers]
    for entry, over in history.placed(FailedOver):
        next_ns = min((at for at in told if at > entry.t_ns), default=None)
        if next_ns is not None and over.away_ms:
            yield Gap(round((next_ns - entry.t_ns) / 1e6 + over.away_ms, 1), over.away_ms)
