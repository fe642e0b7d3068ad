"""Checks what clients and the service experienced: the right answer, in time, from a service that lives.

A failure counts only if the faults left evidence.
"""

from __future__ import annotations

import collections
import math
import signal
from collections.abc import Sequence
from dataclasses import replace

from harness.checks.clock import Late, Span, ms_of
from harness.checks.facts.exchanges import (
    Exchange,
    by_the_clock,
    deadline_ms_of,
    exchanges,
    refused_and_sent_again,
    several,
)
from harness.checks.registry import Examined, Kind, check
from harness.history import History
from harness.history.events import (
    Healthy,
    MomentMissed,
    MomentReached,
    NotRecovered,
    NotSteady,
    Purpose,
    Recovered,
    RequestEnded,
    RunBegan,
    ServiceEnded,
    ServiceNotStarted,
    ServiceStarted,
    Supervised,
)
from harness.vocabulary import ACKNOWLEDGED, ALREADY, CONFIRMED, UNKNOWN

ASKED_POLITELY = "SIGTERM", "SIGINT"
"""The signals by which a service is asked to end, and may answer first what it has accepted."""
KNOWN_WITHIN_NS = 1_000_000_000
"""The end of a process is known this soon after its connections have broken."""


@check(Kind.LIVENESS)
def alive(history: History) -> Examined:
    """The service ends only when it is asked to, and starts when it is asked to."""
    ends = list(history.of(ServiceEnded))
    brought_back = {each.pid for each in history.of(Supervised)}
    starts = sum(1 for _ in history.of(ServiceStarted))
    died = [
        f"ended by itself with status {end.status}" for end in ends if not end.asked_by and end.pid not in brought_back
    ]
    silent = [(at.t_ns, start) for at, start in history.placed(ServiceNotStarted)]
    told = ", then ".join(f"status {end.status} by {end.asked_by or 'itself'}" for end in ends) or "never"
    return Examined(
        problem="; ".join([*died, *(start.reason for _, start in silent)]),
        saw=f"started {'once' if starts == 1 else f'{starts} times'}; ended: {told}",
        observations=starts + len(silent),
        clock=() if died else _waited_for(silent),
    )


def _waited_for(silent: Sequence[tuple[int, ServiceNotStarted]]) -> tuple[Late, ...]:
    """How long the harness waited in vain for each start; none if one of them ended."""
    spans = [(t_ns - round(start.waited_s * 1e9), t_ns) for t_ns, start in silent]
    return tuple(map(Late, spans)) if all(began < ended for began, ended in spans) else ()


@check(Kind.LIVENESS, says="1 of 1: : expected , got , after 0.00 s")
def outcome(history: History) -> Examined:
    """Each request of the scenario's ended as its step expects."""
    judged = [e for e in exchanges(history) if e.judged]
    sent = collections.Counter(e.sent.delivery for e in exchanges(history) if e.sent.delivers)
    wrong = [e for e in judged if not _as_expected(e, repeated=sent[e.sent.delivery] > 1)]
    stories = [f"{e.name}: expected {e.sent.expected}, got {e.story()}" for e in wrong]
    return _of_exchanges(
        wrong,
        stories,
        of=judged,
        saw=f"{len(judged) - len(wrong)} of {len(judged)} as their step expects",
        # What a fault still to come would have caused may be missing because the scenario was cut short.
        firm=any(ACKNOWLEDGED in e.sent.expected for e in wrong if e.sent.expected is not None),
        clock=by_the_clock(history, wrong),
    )


def _as_expected(exchange: Exchange, *, repeated: bool) -> bool:
    """Whether it ended as its step expects. If the step expects an acknowledgement, "already" is right for a repeat."""
    expected = exchange.sent.expected
    if expected is None or exchange.outcome in expected or exchange.lost_patience:
        return True
    return repeated and exchange.outcome == ALREADY and ACKNOWLEDGED in expected


@check(Kind.LIVENESS, says="1 of 1: : , after 0.00 s (limit 0 s)")
def in_time(history: History) -> Examined:
    """Each request has ended within the service's own deadline, whatever its purpose."""
    deadline_ms = deadline_ms_of(history)
    sent = exchanges(history)
    late = [e for e in sent if e.ended is None or e.ended.took_ms > deadline_ms]
    stories = [f"{e.name}: {e.story()} (limit {deadline_ms / 1e3:g} s)" for e in late]
    took = [e.ended.took_ms for e in sent if e.ended]
    limit = f", limit {deadline_ms / 1e3:g} s" if deadline_ms < math.inf else ""
    saw = f"{len(took)} answers, the slowest after {max(took, default=0) / 1e3:.3f} s{limit}"
    return _of_exchanges(late, stories, of=sent, saw=saw, clock=[Late(e.span, e.late_by_ms(deadline_ms)) for e in late])


@check(Kind.LIVENESS, says="1 of 1: : took 0.00 s (healthy 0.0 ms, at most 0 ms more)")
def slower(history: History) -> Examined:
    """No answer took longer than this run's healthy answer by more than its step allows."""
    healthy = history.last(Healthy)
    healthy_ms = healthy.median_ms if healthy else 0.0
    limited = [e for e in exchanges(history) if e.sent.slower_ms_max is not None and e.ended is not None]
    slow = [e for e in limited if e.ended and e.ended.took_ms > healthy_ms + (e.sent.slower_ms_max or 0)]
    stories = [
        f"{e.name}: took {e.ended.took_ms / 1e3:.2f} s{e.waiting()}"
        f" (healthy {healthy_ms:.1f} ms, at most {e.sent.slower_ms_max:g} ms more)"
        for e in slow
        if e.ended
    ]
    slowest = max((e.ended.took_ms for e in limited if e.ended), default=0)
    saw = f"{len(limited)} limited, the slowest {slowest:.0f} ms; healthy {healthy_ms:.1f} ms"
    clock = [Late(e.span, e.late_by_ms(healthy_ms + (e.sent.slower_ms_max or 0))) for e in slow]
    return _of_exchanges(slow, stories, of=limited, saw=saw if limited else "no step sets a limit", clock=clock)


@check(Kind.LIVENESS, says=" not reached in 0 s: ")
def reached(history: History) -> Examined:
    """What the scenario claims about the service came true."""
    came = sum(1 for _ in history.of(MomentReached))
    missed = [moment for moment in history.of(MomentMissed) if moment.claim]
    problem = f"{missed[0].moment!r} not reached in {missed[0].within_s:g} s: {missed[0].detail}" if missed else ""
    saw = f"{came} {'moment' if came == 1 else 'moments'} waited for, and reached"
    spans = _spans_of(history, MomentMissed) if missed else ()
    return Examined(problem=problem, saw=saw, observations=came + len(missed), firm=False, clock=spans)


@check(Kind.LIVENESS, says="nothing acknowledged 0 s after healing: ")
def recovers(history: History) -> Examined:
    """After the last heal the service acknowledges again, and keeps on: new deliveries, unknown and refused ones."""
    again = [e for e in exchanges(history) if e.sent.purpose == Purpose.AGAIN]
    recovered, relapse, missed = history.last(Recovered), history.last(NotSteady), history.last(NotRecovered)
    saw = f"acknowledged again {recovered.took_ms:.0f} ms after the last heal" if recovered else ""
    refused = len(refused_and_sent_again(history))
    saw = f"{saw}; {refused} refused {'delivery' if refused == 1 else 'deliveries'} sent again" if refused else saw
    if missed is not None:
        problem = f"nothing acknowledged {missed.within_s:g} s after healing: {missed.reason}"
        return Examined(problem=problem, saw=saw, observations=1, clock=_spans_of(history, NotRecovered))
    if relapse is not None and recovered is not None:
        problem = f"acknowledged once after healing, but not steadily: {relapse.reason}"
        return Examined(
            problem=problem, saw=saw, observations=1, clock=tuple(by_the_clock(history, _relapsed(history)))
        )
    wrong = [e for e in again if e.outcome not in CONFIRMED]
    stories = [f"{e.name}, sent again: {e.story()}" for e in wrong]
    found = _of_exchanges(wrong, stories, of=again, saw=saw, clock=by_the_clock(history, wrong))
    return replace(found, observations=len(again) + (recovered is not None))


def _relapsed(history: History) -> Sequence[Exchange]:
    """The requests of the steady state after the recovery that were not acknowledged."""
    recovered_ns = max(entry.t_ns for entry in history.entries_of(Recovered))
    steady = [e for e in exchanges(history) if e.sent.purpose in (Purpose.WARM, Purpose.HEALTHY)]
    return [e for e in steady if e.span[0] > recovered_ns and e.outcome != ACKNOWLEDGED]


@check(Kind.LIVENESS)
def drains(history: History) -> Examined:
    """After SIGTERM or SIGINT the service ends with status 0, or by the signal once every request has its answer."""
    ends = [(end, _open_at(history, at.t_ns)) for at, end in history.placed(ServiceEnded) if _terminated(end)]
    bad = [(end, left) for end, left in ends if end.status != 0 and (left or not _by_the_signal(end))]
    stories = [f"ended with status {end.status} after {end.asked_by}{_with_open(left)}" for end, left in bad]
    return Examined(
        problem=stories[0] if stories else "",
        saw="; ".join(f"ended with status {end.status}" for end, _ in ends) or "no SIGTERM or SIGINT asked it to end",
        observations=len(ends),
    )


@check(Kind.LIVENESS, says="ended 0.0 s after SIGTERM and its last answer (limit 0 s)")
def ends_in_time(history: History) -> Examined:
    """After its signal and its last answer the service ends in time, even if clients keep their connections."""
    began = history.last(RunBegan)
    limit_ms = began.stop_ms if began else None
    if limit_ms is None:
        return Examined(problem="", saw="the target sets no limit", observations=0)
    ends = [(at.t_ns, end) for at, end in history.placed(ServiceEnded) if _terminated(end)]
    idle = [(end.asked_by, _idle_before(history, t_ns, end)) for t_ns, end in ends]
    late = [(asked_by, span) for asked_by, span in idle if ms_of(span) > limit_ms]
    stories = [
        f"ended {ms_of(span) / 1e3:.1f} s after {asked_by} and its last answer (limit {limit_ms / 1e3:g} s)"
        for asked_by, span in late
    ]
    slowest_ms = max((ms_of(span) for _, span in idle), default=0.0)
    return Examined(
        problem="; ".join(stories),
        saw=f"{len(idle)} ends after a signal, the slowest {slowest_ms / 1e3:.2f} s after it and the last answer",
        observations=len(idle),
        clock=tuple(Late(span, ms_of(span) - limit_ms) for _, span in late),
    )


def _idle_before(history: History, ended_ns: int, end: ServiceEnded) -> Span:
    """The time from the last thing that the service had to wait for (its signal, or a request's answer) to its end."""
    asked_ns = ended_ns - round((end.after_ms or 0.0) * 1e6)
    answered = [e.span[1] for e in exchanges(history) if e.span[0] <= asked_ns]
    return max([asked_ns, *(ns for ns in answered if ns <= ended_ns)]), ended_ns


def _terminated(end: ServiceEnded) -> bool:
    return end.asked_by in ASKED_POLITELY


def _by_the_signal(end: ServiceEnded) -> bool:
    """Whether the signal itself ended it, or, after Ctrl-C's signal, its status says so as a shell's does."""
    number = signal.Signals[end.asked_by]
    return end.status == -number or (number == signal.SIGINT and end.status == 128 + number)


def _open_at(history: History, t_ns: int) -> int:
    """How many requests were open when the service ended, and never got an answer.

    A client may notice the end before the harness does, because its connection breaks first.
    """
    open_then = [e for e in exchanges(history) if e.span[0] < t_ns <= e.span[1] + KNOWN_WITHIN_NS]
    return sum(e.outcome == UNKNOWN and _without_answer(e.ended) for e in open_then)


def _without_answer(ended: RequestEnded | None) -> bool:
    return ended is None or (ended.status is None and ended.hung_up_at is None)


def _with_open(count: int) -> str:
    return f", with {count} {'request' if count == 1 else 'requests'} open" if count else ""


def _of_exchanges(
    bad: Sequence[Exchange],
    stories: Sequence[str],
    *,
    of: Sequence[Exchange],
    saw: str,
    firm: bool = True,
    clock: Sequence[Late] = (),
) -> Examined:
    """What a check of the exchanges `of` saw; `stories`: one for each bad one. `clock`: by how much they were late."""
    return Examined(
        problem=several(stories, len(of)) if bad else "",
        saw=saw,
        observations=len(of),
        firm=firm,
        deliveries=tuple(dict.fromkeys(e.sent.delivery for e in bad)),
        clock=tuple(clock),
        symptom=tuple(sorted({e.end for e in bad})),
        seen_ns=min((e.span[1] for e in bad), default=None),
    )


def _spans_of(history: History, kind: type[MomentMissed | NotRecovered]) -> tuple[Late, ...]:
    """The time that the harness waited, for each such event."""
    return tuple(
        Late((entry.t_ns - int(entry.event.within_s * 1e9), entry.t_ns))
        for entry in history.entries_of(kind)
        if isinstance(entry.event, kind)
    )
