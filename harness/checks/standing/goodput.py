"""Checks whether a service recovers by itself: its goodput after a disturbance, compared with that before.

Goodput counts acknowledgements to clients that still wait. If a service works on requests whose clients have hung up
and tried again, it is fully busy, but its goodput is zero, even after the cause is gone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from harness.checks.clock import Late, Span, slowdown
from harness.checks.facts.exchanges import Exchange, exchanges
from harness.checks.registry import Examined, Kind, check
from harness.history import History
from harness.history.events import DisturbanceBegan, DisturbanceGone, GoodputWatched, LoadBegan, LoadEnded
from harness.vocabulary import CONFIRMED

__all__ = ["BEFORE_S", "JUDGED_S", "comes_back", "not_overloaded"]

BEFORE_S: Final = 1.0
"""The load arrives at least this long before the service is disturbed."""
JUDGED_S: Final = 1.0
"""The goodput is judged over this time, after the limit for the recovery has passed."""
SEEN_OVER_S: Final = 0.5
"""The goodput is measured over this time to find when it was back."""
SCARCER: Final = 1.5
"""Cores are scarcer than before if a millisecond of a core takes this many times as long."""
TOO_FEW: Final = 10
"""With fewer acknowledgements before the disturbance, a single one would decide."""


@dataclass(frozen=True, slots=True)
class Return:
    """One disturbance, and the goodput of the loads around it, in acknowledgements per second.

    `load_per_s`: arrivals; `late`: a load that the harness itself delayed. `before`: the time before the disturbance.
    `acknowledged`: the number of acknowledgements in it. `meanwhile`: the requests of any load that ended during the
    disturbance. `judged`: the time over which `after_per_s` is measured; `came`: the requests that ended in it.
    `back_after_s`: when the goodput was back; None: never.
    """

    gone: DisturbanceGone
    load_per_s: float
    late: LoadBegan | None
    before: Span
    acknowledged: int
    before_per_s: float
    during_per_s: float
    meanwhile: Sequence[Exchange]
    after_per_s: float
    judged: Span
    gone_ns: int
    came: Sequence[Exchange]
    back_after_s: float | None

    @property
    def doubt(self) -> str:
        """Why it shows nothing; empty if it does."""
        share = f"{self.gone.to:.0%}"
        if not self.load_per_s:
            return "no load arrived around the disturbance: nothing shows whether the service comes back"
        if self.late is not None:
            return (
                f"load {self.late.load} did not arrive on time: the harness itself sent a request later than its "
                f"patience of {self.late.patience_ms:g} ms"
            )
        if self.acknowledged < TOO_FEW:
            return f"only {self.acknowledged} were acknowledged before the service was disturbed: too few to compare"
        if self.before_per_s < self.gone.to * self.load_per_s:
            return (
                f"the service did not carry the load even before it was disturbed: {self.before_per_s:.0f} of "
                f"{self.load_per_s:.0f} a second were acknowledged in time (at least {share})"
            )
        in_time = sum(e.outcome in CONFIRMED for e in self.meanwhile)
        if self.during_per_s >= self.gone.to * self.before_per_s and in_time >= self.gone.to * len(self.meanwhile):
            return (
                f"the load never exceeded what the service carried: while it was disturbed, {in_time} of "
                f"{len(self.meanwhile)} requests were acknowledged in time"
            )
        return ""

    @property
    def problem(self) -> str:
        """What happened instead of a recovery; empty if the service recovered."""
        if self.doubt or self.after_per_s >= self.gone.to * self.before_per_s:
            return ""
        return (
            f"{self.gone.within_s:g} s after the disturbance, {self.after_per_s:.0f} a second were "
            f"acknowledged in time (before: {self.before_per_s:.0f}, at least {self.gone.to:.0%}); "
            f"{_told(self.came)}"
        )

    @property
    def saw(self) -> str:
        """The figures, whether the check failed or not."""
        back = "" if self.back_after_s is None else f", back after {self.back_after_s:.2f} s"
        return (
            f"goodput {self.before_per_s:.0f} a second before, {self.during_per_s:.0f} while disturbed, "
            f"{self.after_per_s:.0f} from {self.gone.within_s:g} s after on{back}"
        )


@check(
    Kind.LIVENESS,
    says="0 s after the disturbance, 0 a second were acknowledged in time (before: 0, at least 0%); ",
)
def comes_back(history: History) -> Examined:
    """When the disturbance is over, the goodput recovers by itself within its limit, under the same load as before."""
    found = history.once(_returns)
    failed = next((each for each in found if each.problem), None)
    return Examined(
        problem=failed.problem if failed else "",
        saw="; ".join(each.saw for each in found) or "no step asks for it",
        observations=len(found),
        clock=tuple(_late(failed, history)) if failed else (),
    )


def _late(failed: Return, history: History) -> Iterator[Late]:
    """Yield the time that a busy machine may excuse.

    It does not if cores were as scarce before: the service carried this load with as few.
    """
    after = failed.gone_ns, failed.judged[1]
    if slowdown(history, after) > SCARCER * slowdown(history, failed.before):
        yield Late(after)


def not_overloaded(history: History) -> str:
    """Why a run that had to show a recovery cannot show one; empty if it does."""
    return next((each.doubt for each in history.once(_returns) if each.doubt), "")


def _returns(history: History) -> Sequence[Return]:
    began = {event.number: entry.t_ns for entry, event in history.placed(DisturbanceBegan)}
    gone = {event.number: (entry.t_ns, event) for entry, event in history.placed(DisturbanceGone)}
    return [
        _return(history, began[event.number], *gone[event.number], watched_ns=entry.t_ns)
        for entry, event in history.placed(GoodputWatched)
    ]


def _return(history: History, began_ns: int, gone_ns: int, gone: DisturbanceGone, *, watched_ns: int) -> Return:
    loads = _loads_around(history, began_ns, watched_ns)
    numbers = {load.load for load in loads}
    sent = [e for e in exchanges(history) if e.sent.load in numbers]
    times = sorted(e.span[1] for e in sent if e.outcome in CONFIRMED)
    first_ns = min(times, default=began_ns)
    limit_ns = gone_ns + round(gone.within_s * 1e9)
    before_per_s = _per_s(times, first_ns, began_ns)
    return Return(
        gone,
        load_per_s=sum(load.per_s for load in loads),
        late=next((load for load in loads if _late_ms(history, load) > load.patience_ms), None),
        before=(first_ns, began_ns),
        acknowledged=_between(times, first_ns, began_ns),
        before_per_s=before_per_s,
        during_per_s=_per_s(times, began_ns, gone_ns),
        meanwhile=[e for e in exchanges(history) if e.sent.load and began_ns <= e.span[1] < gone_ns],
        after_per_s=_per_s(times, limit_ns, watched_ns),
        judged=(limit_ns, watched_ns),
        gone_ns=gone_ns,
        came=[e for e in sent if limit_ns <= e.span[1] < watched_ns],
        back_after_s=_back_after_s(times, gone_ns, watched_ns, gone.to * before_per_s),
    )


def _loads_around(history: History, began_ns: int, watched_ns: int) -> Sequence[LoadBegan]:
    """The loads that arrived before, during and after the disturbance."""
    ended = {event.load: entry.t_ns for entry, event in history.placed(LoadEnded)}
    return [
        event
        for entry, event in history.placed(LoadBegan)
        if entry.t_ns < began_ns and ended.get(event.load, watched_ns) >= watched_ns
    ]


def _late_ms(history: History, load: LoadBegan) -> float:
    """The most by which the harness sent a request of that load later than planned."""
    return max((ended.late_ms for ended in history.of(LoadEnded) if ended.load == load.load), default=0.0)


def _between(times: Sequence[int], from_ns: int, to_ns: int) -> int:
    return bisect_left(times, to_ns) - bisect_left(times, from_ns)


def _per_s(times: Sequence[int], from_ns: int, to_ns: int) -> float:
    return _between(times, from_ns, to_ns) / ((to_ns - from_ns) / 1e9) if from_ns < to_ns else 0.0


def _back_after_s(times: Sequence[int], gone_ns: int, watched_ns: int, at_least_per_s: float) -> float | None:
    """When the goodput was back for good."""
    over_ns = round(SEEN_OVER_S * 1e9)
    step_ns = over_ns // 10
    found = None
    for from_ns in range(gone_ns, watched_ns - over_ns + 1, step_ns):
        enough = _per_s(times, from_ns, from_ns + over_ns) >= at_least_per_s
        found = (found if found is not None else from_ns) if enough else None
    return None if found is None else (found - gone_ns) / 1e9


def _told(came: Sequence[Exchange]) -> str:
    """How the requests ended instead, the most frequent ending first: `of 24 requests 20 were refused, ...`."""
    ends = Counter(_ending(e) for e in came)
    if not ends:
        return "no request ended in that time"
    told = [f"{count} were {ending}{_waiting(came, ending)}" for ending, count in ends.most_common()]
    return f"of {len(came)} requests {', '.join(told)}"


def _waiting(came: Sequence[Exchange], ending: str) -> str:
    """What the service waited for in most requests with this ending, if that was seen."""
    return Counter(e.waiting() for e in came if _ending(e) == ending).most_common(1)[0][0]


def _ending(exchange: Exchange) -> str:
    if exchange.lost_patience:
        return f"given up after {exchange.sent.patience_ms:g} ms"
    return str(exchange.outcome)
