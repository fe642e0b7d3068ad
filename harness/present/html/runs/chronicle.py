"""Reads from a history what happened in a run, in seconds since it began, ready to be drawn and listed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.checks.facts.exchanges import Exchange, exchanges
from harness.history import Entry, History
from harness.history.events import (
    AtRest,
    CapacityMeasured,
    Counted,
    Event,
    EvidenceSeen,
    FailedOver,
    FaultActed,
    FaultHealed,
    HarnessProblem,
    Healthy,
    LoadBegan,
    LoadEnded,
    MomentMissed,
    MomentReached,
    NotRecovered,
    NotSteady,
    PhaseBegan,
    PrepareEnded,
    Recovered,
    RequestEnded,
    RequestSent,
    RunBegan,
    ScenarioProblem,
    ServerCrashed,
    ServerDied,
    ServerUnusable,
    ServiceEnded,
    ServiceNotStarted,
    ServiceStarted,
    SessionLeaked,
    StartEnded,
    StartTried,
    StepBegan,
    StepEnded,
    Supervised,
)
from harness.present.html.drawings.loads import rates
from harness.present.html.runs.words import step_words

LOAD = "load"
"""The source of a load's counts."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time. `name`: of a phase, or a fault's source."""

    name: str
    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultWindow:
    """The time for which a fault was in force: until the end of the run if it was never healed."""

    number: int
    source: str
    words: str
    span: Span


@dataclass(frozen=True, slots=True)
class Mark:
    """Evidence: when it was seen, its fault, and what it shows."""

    at_s: float
    fault: int
    text: str


@dataclass(frozen=True, slots=True)
class Sent:
    """One request. `ended_s`: the end of the run if there was no answer."""

    exchange: Exchange
    at_s: float
    ended_s: float


@dataclass(frozen=True, slots=True)
class Count:
    """A number, for example of connections, that must return to its limit. `name`: `AtRest.name`."""

    at_s: float
    what: str
    name: str
    seen: float
    at_most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CountLine:
    """A number over time. `of`: a link, or the pool. `points`: its value from each moment on; None: unknown."""

    of: str
    what: str
    source: str
    points: Sequence[tuple[float, float | None]]
    problem: str = ""

    @property
    def most(self) -> float:
        """The highest known number; 0 if none is known."""
        return max((seen for _, seen in self.points if seen is not None), default=0)


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One line of the run's story. `kind`: step, fault, evidence, moment, good or bad."""

    at_s: float
    kind: str
    words: str
    code: str = ""
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chronicle:
    """Everything that happened in a run, in order."""

    began_ns: int
    wall_clock: str
    deadline_ms: float | None
    healthy_ms: float | None
    end_s: float
    phases: Sequence[Span]
    faults: Sequence[FaultWindow]
    marks: Sequence[Mark]
    requests: Sequence[Sent]
    counts: Sequence[Count]
    lines: Sequence[CountLine]
    story: Sequence[StoryLine]

    @property
    def in_flight(self) -> Sequence[tuple[float, int]]:
        """How many requests were waiting for their answer, from each moment on."""
        changes = sorted([*((sent.at_s, 1) for sent in self.requests), *((sent.ended_s, -1) for sent in self.requests)])
        waiting, found = 0, []
        for at_s, change in changes:
            waiting += change
            found.append((at_s, waiting))
        return found


def chronicle_of(history: History) -> Chronicle | None:
    """Read a history; None if its first entry is missing."""
    head = next(history.entries_of(RunBegan), None)
    if head is None or not isinstance(head.event, RunBegan):
        return None
    clock = _Clock(head.t_ns)
    end_s = clock.of(history.entries[-1])
    healthy = history.last(Healthy)
    return Chronicle(
        began_ns=head.t_ns,
        wall_clock=head.event.wall_clock,
        deadline_ms=head.event.deadline_ms,
        healthy_ms=healthy.median_ms if healthy else None,
        end_s=end_s,
        phases=_phases(history, clock, end_s),
        faults=list(_faults(history, clock, end_s)),
        marks=list(_marks(history, clock)),
        requests=_requests(history, clock, end_s),
        counts=[
            Count(clock.of(entry), entry.event.what, entry.event.name, entry.event.seen, entry.event.at_most)
            for entry in history.entries
            if isinstance(entry.event, AtRest)
        ],
        lines=_lines(history, clock),
        story=list(_story(history, clock)),
    )


@dataclass(frozen=True, slots=True)
class _Clock:
    began_ns: int

    def of(self, entry: Entry) -> float:
        return self.at(entry.t_ns)

    def at(self, t_ns: int) -> float:
        return (t_ns - self.began_ns) / 1e9


def _phases(history: History, clock: _Clock, end_s: float) -> Sequence[Span]:
    begun = [(e.event.phase, clock.of(e)) for e in history.entries if isinstance(e.event, PhaseBegan)]
    return [Span(name, from_s, to_s) for (name, from_s), (_, to_s) in pairwise([*begun, ("", end_s)])]


def _faults(history: History, clock: _Clock, end_s: float) -> Iterator[FaultWindow]:
    healed: dict[int, float] = {}
    for entry in history.entries:
        if isinstance(entry.event, FaultHealed):
            healed.setdefault(entry.event.number, clock.of(entry))
    for entry in history.entries:
        if isinstance(entry.event, FaultActed):
            number, fault = entry.event.number, entry.event.fault
            span = Span(repr(fault), clock.of(entry), healed.get(number, end_s))
            yield FaultWindow(number=number, source=span.name, words=fault.words(), span=span)


def _marks(history: History, clock: _Clock) -> Iterator[Mark]:
    for entry in history.entries:
        event = entry.event
        if isinstance(event, EvidenceSeen):
            yield Mark(clock.of(entry), event.number, f"{event.what} ({event.source}): {event.detail}")


def _requests(history: History, clock: _Clock, end_s: float) -> Sequence[Sent]:
    sent = {e.event.request: clock.of(e) for e in history.entries if isinstance(e.event, RequestSent)}
    ended = {e.event.request: clock.of(e) for e in history.entries if isinstance(e.event, RequestEnded)}
    return [
        Sent(exchange, sent[exchange.sent.request], ended.get(exchange.sent.request, end_s))
        for exchange in exchanges(history)
    ]


def _lines(history: History, clock: _Clock) -> Sequence[CountLine]:
    found: dict[tuple[str, str, str, str], list[tuple[float, float | None]]] = {}
    for entry in history.entries:
        event = entry.event
        if isinstance(event, Counted):
            key = (event.of, event.what, event.source, event.problem)
            found.setdefault(key, []).append((clock.of(entry), event.seen))
    counted = [
        CountLine(of=of, what=what, source=source, problem=problem, points=points)
        for (of, what, source, problem), points in found.items()
    ]
    loads = [
        CountLine(of=of, what=what, source=LOAD, points=[(clock.at(t_ns), seen) for t_ns, seen in points])
        for of, what, points in rates(history)
    ]
    return [*loads, *counted]


def _story(history: History, clock: _Clock) -> Iterator[StoryLine]:
    sources = {acted.number: repr(acted.fault) for acted in history.of(FaultActed)}
    for entry in history.entries:
        told = _told(entry.event, clock.of(entry), sources)
        if told is not None:
            yield told


def _told(event: Event, at_s: float, sources: Mapping[int, str]) -> StoryLine | None:  # noqa: C901, PLR0911, PLR0912  # a table, one line a kind
    match event:
        case StepBegan(number, step):
            return StoryLine(at_s, "step", step_words(step), repr(step), number)
        case StepEnded(number, problem) if problem:
            return StoryLine(at_s, "bad", f"step {number} broke: {problem}")
        case FaultActed(_, fault):
            return StoryLine(at_s, "fault", "in force", repr(fault))
        case FaultHealed(number):
            return StoryLine(at_s, "fault", "healed", sources.get(number, f"fault {number}"))
        case EvidenceSeen(_, what, source, detail):
            return StoryLine(at_s, "evidence", f"{what} ({source}): {detail}")
        case MomentReached(moment, detail):
            return StoryLine(at_s, "moment", f"it has come: {detail}", repr(moment))
        case MomentMissed(moment, _, within_s, detail):
            return StoryLine(at_s, "bad", f"not reached in {within_s:g} s: {detail}", repr(moment))
        case ServiceStarted(pid, port, took_ms):
            return StoryLine(at_s, "moment", f"the service is up after {took_ms:.0f} ms (pid {pid}, port {port})")
        case ServiceEnded(_, status, asked_by):
            kind = "moment" if asked_by else "bad"
            asked = f"asked by {asked_by}" if asked_by else "unasked"
            return StoryLine(at_s, kind, f"the service ended, status {status}, {asked}")
        case StartEnded(pid, status, took_ms):
            ended = "had to be killed" if status is None else f"ended with status {status}"
            return StoryLine(at_s, "moment", f"the start {ended}, {took_ms:.0f} ms after it began (pid {pid})")
        case PrepareEnded(pid, status, took_ms):
            ended = "had to be killed" if status is None else f"ended with status {status}"
            return StoryLine(at_s, "moment", f"prepare {ended}, {took_ms:.0f} ms after it began (pid {pid})")
        case StartTried(name, pid, status, took_ms):
            ended = "had to be killed" if status is None else f"ended with status {status}"
            return StoryLine(at_s, "moment", f"the start {name} {ended}, {took_ms:.0f} ms after it began (pid {pid})")
        case Supervised(number, restarts, pid, status):
            why = f"pid {pid} has ended with status {status}"
            return StoryLine(at_s, "moment", f"the supervisor starts the service again ({number} of {restarts}): {why}")
        case ServiceNotStarted(reason):
            return StoryLine(at_s, "bad", f"the service did not come up: {reason}")
        case SessionLeaked():
            return StoryLine(at_s, "bad", event.told)
        case FailedOver():
            return StoryLine(at_s, "bad" if event.lacked else "moment", event.told)
        case ServerCrashed(_, _, None):
            return StoryLine(at_s, "bad", event.told)
        case ServerCrashed(name, line, fault):
            return StoryLine(at_s, "fault", f"{name} crashed: {line}", repr(fault))
        case ServerDied(name, status, _, None):
            return StoryLine(at_s, "bad", f"{event.told}; status {status}")
        case ServerDied(name, status, _, fault):
            return StoryLine(at_s, "moment", f"{name} ended, status {status}, after {fault!r}")
        case ServerUnusable(fault, doing, problem):
            return StoryLine(at_s, "bad", f"{doing}: after {fault!r} the harness met {problem}")
        case CapacityMeasured(per_s, _, clients):
            return StoryLine(
                at_s, "moment", f"{clients} clients that never waited had {per_s:.0f} a second acknowledged"
            )
        case LoadBegan(load, per_s):
            return StoryLine(at_s, "moment", f"load {load} begins: {per_s:.1f} requests a second")
        case LoadEnded(load, arrived):
            return StoryLine(at_s, "moment", f"load {load} is over: {arrived} have arrived")
        case Healthy(median_ms, answers):
            return StoryLine(at_s, "good", f"steady: the median of {answers} healthy answers is {median_ms:.1f} ms")
        case NotSteady(reason):
            return StoryLine(at_s, "bad", f"not steady: {reason}")
        case Recovered(took_ms):
            return StoryLine(at_s, "good", f"recovered: acknowledged again {took_ms:.0f} ms after the last heal")
        case NotRecovered(within_s, reason):
            return StoryLine(at_s, "bad", f"not recovered in {within_s:g} s: {reason}")
        case ScenarioProblem(text, wrong):
            return StoryLine(at_s, "bad", f"the scenario {'is wrong' if wrong else 'objects'}: {text}")
        case HarnessProblem(text):
            return StoryLine(at_s, "bad", f"the harness broke: {text}")
        case _:
            return None
