"""What each check looked at and saw, in a line. Whether it failed is the summary's word, not found out here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.checks import wants
from harness.checks.condition import TERMINATED
from harness.checks.exchanges import exchanges
from harness.checks.judgement import STANDING
from harness.history import History
from harness.history.events import (
    AtRest,
    FigureRead,
    Healthy,
    MomentReached,
    Purpose,
    Recovered,
    RowsRead,
    RunBegan,
    ScenarioProblem,
    ServiceEnded,
    ServiceStarted,
    UnhandledLogged,
)
from harness.results.reading import RunRead
from harness.results.text import counted
from harness.vocabulary import ACKNOWLEDGED, REFUSED


@dataclass(frozen=True, slots=True)
class Seen:
    """One check. `wants`: what must hold. `saw`: why it failed, or what it had to look at."""

    name: str
    failed: bool
    wants: str
    saw: str


def checks_seen(run: RunRead, history: History) -> Sequence[Seen]:
    """All standing checks, in their own order, the failed ones first."""
    found = [_seen(check, run, history) for check in STANDING]
    return sorted(found, key=lambda seen: not seen.failed)


def checks_named(run: RunRead) -> Sequence[Seen]:
    """Where the history cannot be read: the failed ones, by the summary."""
    return [Seen(name, True, "", run.reason if run.reason.startswith(name) else "") for name in run.failing_checks]


def _seen(check: Callable[[History], object], run: RunRead, history: History) -> Seen:
    name = getattr(check, "__name__", str(check))
    failed = name in run.failing_checks
    tell = _TALLIES.get(name)
    try:
        reason = str(getattr(check(history), "reason", ""))
        saw = reason if failed or tell is None else tell(history)
    except Exception as problem:  # noqa: BLE001  # told in the report: a check that crashes is seen by the reader
        saw = f"crashed: {problem!r}"
    return Seen(name, failed, wants(name), saw)


def _judged(history: History) -> str:
    judged = [exchange for exchange in exchanges(history) if exchange.judged]
    fitting = sum(1 for e in judged if e.sent.expected is None or e.outcome in e.sent.expected)
    return f"{fitting} of {len(judged)} as their step expects"


def _slowest(history: History) -> str:
    took = [exchange.ended.took_ms for exchange in exchanges(history) if exchange.ended]
    began = history.last(RunBegan)
    limit = f", limit {began.deadline_ms / 1e3:g} s" if began else ""
    return f"{len(took)} answers, the slowest after {max(took, default=0) / 1e3:.3f} s{limit}"


def _rows(history: History) -> str:
    readings = [sum(row.copies for row in read.rows) for read in history.of(RowsRead)]
    promised = {e.sent.delivery for e in exchanges(history) if e.outcome == ACKNOWLEDGED}
    return f"{len(promised)} deliveries acknowledged; rows read: {', then '.join(map(str, readings)) or 'none'}"


def _refused(history: History) -> str:
    return f"{counted(sum(1 for e in exchanges(history) if e.outcome == REFUSED), 'request')} refused"


def _again(history: History) -> str:
    again = [e for e in exchanges(history) if e.sent.purpose == Purpose.AGAIN]
    return f"{len(again)} sent again"


def _slower(history: History) -> str:
    healthy = history.last(Healthy)
    limited = [e for e in exchanges(history) if e.sent.slower_ms_max is not None]
    if not limited:
        return "no step sets a limit"
    took = max((e.ended.took_ms for e in limited if e.ended), default=0)
    return f"{len(limited)} limited, the slowest {took:.0f} ms; healthy {healthy.median_ms if healthy else 0:.1f} ms"


def _moments(history: History) -> str:
    return f"{counted(sum(1 for _ in history.of(MomentReached)), 'moment')} waited for, and reached"


def _recovery(history: History) -> str:
    found = history.last(Recovered)
    return f"acknowledged again {found.took_ms:.0f} ms after the last heal" if found else ""


def _lives(history: History) -> str:
    ends = [f"status {end.status} by {end.asked_by}" for end in history.of(ServiceEnded)]
    starts = sum(1 for _ in history.of(ServiceStarted))
    return f"started {'once' if starts == 1 else f'{starts} times'}; ended: {', then '.join(ends) or 'never'}"


def _drained(history: History) -> str:
    ends = [f"ended with status {end.status}" for end in history.of(ServiceEnded) if end.asked_by == TERMINATED]
    return "; ".join(ends) or "never told to end by SIGTERM"


def _objections(history: History) -> str:
    objections = sum(not problem.wrong for problem in history.of(ScenarioProblem))
    return f"{counted(objections, 'objection')} of the scenario's own"


def _rest(words: Sequence[str]) -> Callable[[History], str]:
    def tell(history: History) -> str:
        rest = [rest for rest in history.of(AtRest) if rest.what in words]
        return "; ".join(f"{each.name} {each.seen:g}, at most {each.at_most:g}" for each in rest)

    return tell


def _figures(history: History) -> str:
    return (
        "; ".join(f"{read.figure!r} {read.seen:g}{_limits(read)}" for read in history.of(FigureRead))
        or "no figure is limited"
    )


def _limits(read: FigureRead) -> str:
    return "".join(_limit(read))


def _limit(read: FigureRead) -> Iterator[str]:
    if read.at_least is not None:
        yield f", at least {read.at_least:g}"
    if read.at_most is not None:
        yield f", at most {read.at_most:g}"


def _unhandled(history: History) -> str:
    return f"{counted(sum(1 for _ in history.of(UnhandledLogged)), 'line')} of an unhandled exception"


_TALLIES: Mapping[str, Callable[[History], str]] = {
    "acknowledged_is_stored": _rows,
    "stored_once": _rows,
    "nothing_foreign": _rows,
    "refused_is_not_stored": _refused,
    "same_answer_again": _again,
    "alive": _lives,
    "outcome": _judged,
    "in_time": _slowest,
    "slower": _slower,
    "reached": _moments,
    "recovers": _recovery,
    "drains": _drained,
    "pool_returns": _rest(("connections", "busy connections")),
    "no_leaks": _rest(("checked_out", "tasks", "descriptors")),
    "log_clean": _unhandled,
    "figure": _figures,
    "assertion": _objections,
}
