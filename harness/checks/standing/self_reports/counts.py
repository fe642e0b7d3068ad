"""Checks that the service's counters and log agree with the answers that clients got."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.checks.clock import Late
from harness.checks.facts.exchanges import Exchange, exchanges
from harness.checks.registry import Examined, Kind, check
from harness.history import Entry, History
from harness.history.events import AnswersLogged, Asks, CountsRead, LogRead, ServiceStarted, VariantAnswered
from harness.history.events.requests import id_of
from harness.vocabulary import Outcome

SHOWN = 3
DELIVERED = (Asks.DELIVER, Asks.TAKEN)
"""The requests that the service counts as deliveries. It may reject wrong requests before it counts."""
REQUESTS_FOR_AN_AVERAGE = 50


@dataclass(frozen=True, slots=True)
class _Bounds:
    """How often something was answered: at least, and at most. Answers that no client got are the difference."""

    least: int
    most: int

    @classmethod
    def of(cls, sent: Sequence[Exchange], outcome: Outcome, sure: Sequence[Asks]) -> _Bounds:
        answered = [e for e in sent if e.ended is not None and e.ended.status is not None]
        certain = sum(e.outcome == outcome and e.sent.asks in sure for e in answered)
        perhaps = sum(e.outcome == outcome and e.sent.asks not in sure for e in answered)
        return cls(certain, certain + perhaps + len(sent) - len(answered))

    def hold(self, seen: float) -> bool:
        return self.least <= seen <= self.most

    def __str__(self) -> str:
        return f"{self.least}" if self.least == self.most else f"{self.least} to {self.most}"


@check(Kind.REST)
def counts_are_true(history: History) -> Examined:
    """The service's own counts of its answers to deliveries agree with the answers that the clients got."""
    read = [(entry, counts) for entry, counts in history.placed(CountsRead)]
    problems = list(dict.fromkeys(problem for _, counts in read for problem in counts.problems))
    overtold = [(entry.t_ns, counts) for entry, counts in read if counts.overtold]
    compared = 0
    if len(read) > 1 and _all_is_known(history, read[0][0], read[-1][0]):
        (first, before), (last, after) = read[0], read[-1]
        sent = [e for e in exchanges(history) if first.t_ns <= e.span[0] and e.span[1] <= last.t_ns]
        sent = [e for e in sent if e.sent.asks in (*DELIVERED, Asks.WRONG)]
        for earlier, later in zip(before.series, after.series, strict=True):
            bounds, grown = _Bounds.of(sent, later.outcome, DELIVERED), later.seen - earlier.seen
            compared += 1
            if not bounds.hold(grown):
                problems.append(f"{later.series} has counted {grown:g}, but clients got that answer {bounds} times")
    told = [*problems, *(problem for _, counts in overtold for problem in counts.overtold)]
    return Examined(
        problem="; ".join(told),
        saw=f"{compared} counters compared" if compared else "no counter can be compared",
        observations=max(compared, len(told)),
        clock=() if problems else tuple(Late((t_ns - round(each.waited_s * 1e9), t_ns)) for t_ns, each in overtold),
    )


def _all_is_known(history: History, first: Entry, last: Entry) -> bool:
    """Whether the counter counts exactly the clients' answers. A new process begins at 0, and a copy counts separately.

    Only the service knows how it counts a variant of a request.
    """
    pids = {entry.event.pid for entry in (first, last) if isinstance(entry.event, CountsRead)}
    return len(pids) == 1 and not any(
        first.seq < other.seq < last.seq
        for other in (*history.entries_of(ServiceStarted), *history.entries_of(VariantAnswered))
    )


@check(Kind.REST)
def log_tells_answers(history: History) -> Examined:
    """The log has a line for each answer that the target names, such as a refusal, and no such line for others."""
    problems: list[str] = []
    answers = 0
    for logged in history.of(AnswersLogged):
        answers += sum(e.outcome == logged.outcome for e in _about_deliveries(history))
        wrong = list(_wrongly_logged(history, logged))
        more = f" (and {len(wrong) - SHOWN} more)" if len(wrong) > SHOWN else ""
        problems += ["; ".join(wrong[:SHOWN]) + more] if wrong else []
    saw = f"{answers} answers that the log must report"
    return Examined(problem="; ".join(problems), saw=saw, observations=max(answers, len(problems)))


@check(Kind.REST)
def log_is_of_use(history: History) -> Examined:
    """Each line of the log says when it was written, with its time zone, and there are not too many of them."""
    problems: list[str] = []
    lines = judged = 0
    requests = len(exchanges(history))
    for read in history.of(LogRead):
        lines, judged, limit = read.lines, read.dated, read.lines_per_request
        if read.misdated:
            problems.append(f"{read.misdated} of {read.dated} lines have no time of this run with a zone: {read.shown}")
        if limit is not None and requests >= REQUESTS_FOR_AN_AVERAGE:
            judged += lines
            if lines > limit * requests:
                problems.append(f"{lines} lines were logged for {requests} requests (limit {limit:g} for each)")
    return Examined(
        problem="; ".join(problems),
        saw=f"{lines} lines of the log for {requests} requests",
        observations=judged,
    )


def _about_deliveries(history: History) -> Sequence[Exchange]:
    return [e for e in exchanges(history) if e.sent.asks not in (Asks.HEALTH, Asks.WRONG)]


def _wrongly_logged(history: History, logged: AnswersLogged) -> Iterator[str]:
    lines = Counter({each.delivery: each.lines for each in logged.logged})
    by_id: dict[str, list[Exchange]] = {}
    # A request that must be rejected may be refused for now instead, and the log may report that, too.
    for each in [e for e in exchanges(history) if e.sent.asks != Asks.HEALTH]:
        name = each.sent.delivery if logged.by_source else each.sent.delivery_id
        by_id.setdefault(name, []).append(each)
    variants = {each.delivery for each in history.of(VariantAnswered)}
    unjudged = variants if logged.by_source else {id_of(name) for name in variants}
    for name in {**by_id, **lines}.keys() - unjudged:
        bounds = _Bounds.of(by_id.get(name, ()), logged.outcome, [asks for asks in Asks if asks is not Asks.WRONG])
        if not bounds.hold(lines[name]):
            yield f"{name} was answered {logged.outcome!s} {bounds} times, but the log reports {lines[name]}"
