"""Checks that the service's health answers agree with what happens to the deliveries around them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.checks.clock import Late, Span, ms_of
from harness.checks.facts.exchanges import Exchange, exchanges, several
from harness.checks.facts.windows import Window, windows
from harness.checks.registry import Examined, Kind, check
from harness.faults.links.away import links_away, links_hurt, strikes_all_alike
from harness.history import History
from harness.history.events import Asks, FaultActed, Purpose, Recovered, RunBegan, ServerDied
from harness.vocabulary import ACKNOWLEDGED, CONFIRMED

ALIVE, READY = "alive", "ready"
"""The questions about the service's health."""


@dataclass(frozen=True, slots=True)
class _Lie:
    """A false answer. `late`: a slow machine may be the reason."""

    told: Exchange
    story: str
    late: bool


@check(Kind.LIVENESS, says="1 of 1: ready said although")
def health_is_true(history: History) -> Examined:
    """The service says that it is ready exactly when it acknowledges, and that it is alive even if a server is away."""
    began = history.last(RunBegan)
    found = exchanges(history)
    samples = [e for e in found if e.sent.asks == Asks.HEALTH and _answered(e)]
    lies: list[_Lie] = []
    judged = 0
    for window in windows(history):
        inside = [e for e in samples if window.holds(e.span)]
        alive = [e for e in inside if e.sent.name == ALIVE and _must_live(window, began)]
        ready = [e for e in inside if e.sent.name == READY][-1:]
        around = [e for e in found if e.sent.delivers and window.holds(e.span)]
        judged += len(alive) + (len(ready) if around else 0)
        lies += [_Lie(e, f"alive said no: {e.story()}{_while(window)}", False) for e in alive if not _yes(e)]
        lies += [lie for e in ready for lie in _of_ready(e, around, window, began)]
    return Examined(
        problem=_told(lies, judged),
        saw=f"{judged} answers about health, with deliveries around those that say whether it is ready",
        observations=judged,
        clock=tuple(Late(lie.told.span) for lie in lies) if all(lie.late for lie in lies) else (),
    )


@check(Kind.LIVENESS, says="1 of 1: : , after 0.00 s (limit 0 s)")
def health_in_time(history: History) -> Examined:
    """The service answers questions about its health in time, even if a server is away.

    Only answers to the harness's own samples are judged, while no other request is open.
    """
    began = history.last(RunBegan)
    limit_ms = began.health_within_ms if began else None
    if limit_ms is None:
        return Examined(problem="", saw="the target sets no limit", observations=0)
    others = [e.span for e in exchanges(history) if e.sent.purpose != Purpose.SAMPLE]
    # A process that a fault has stopped or ended answers nothing.
    held_up = [window.span for window in windows(history) if any(fault.of_the_process for fault in window.faults)]
    samples = [e for e in exchanges(history) if e.sent.purpose == Purpose.SAMPLE and e.ended is not None]
    judged = [e for e in samples if not _meets(e.span, (*others, *held_up))]
    late = [e for e in judged if e.ended and e.ended.took_ms > limit_ms]
    stories = [f"{e.sent.name}: {e.story()} (limit {limit_ms / 1e3:g} s)" for e in late]
    slowest_ms = max((e.ended.took_ms for e in judged if e.ended), default=0.0)
    return Examined(
        problem=several(stories, len(judged)) if late else "",
        saw=f"{len(judged)} answers, the slowest after {slowest_ms / 1e3:.3f} s, limit {limit_ms / 1e3:g} s",
        observations=len(judged),
        clock=tuple(Late(e.span, e.late_by_ms(limit_ms)) for e in late),
    )


@check(Kind.LIVENESS, says="ready had not said yes for 0 ms, while nothing was broken (limit 0 ms): , after 0.00 s")
def ready_again(history: History) -> Examined:
    """While nothing is broken the service says that it is ready: in steady state, and once it acknowledges again."""
    began = history.last(RunBegan)
    limit_ms = began.ready_again_ms if began else None
    if limit_ms is None:
        return Examined(problem="", saw="the target sets no limit", observations=0)
    found = list(_until_yes(history))
    late = [each for each in found if each.took_ms > limit_ms]
    stories = [
        f"ready had not said yes for {each.took_ms:.0f} ms, while nothing was broken (limit {limit_ms:g} ms): "
        f"{each.first}"
        for each in late
    ]
    slowest_ms = max((each.took_ms for each in found), default=0.0)
    return Examined(
        problem="; ".join(stories),
        saw=f"asked {len(found)} times, at most {slowest_ms:.0f} ms from its first no to its yes",
        observations=len(found),
        clock=tuple(Late(each.span, each.took_ms - limit_ms) for each in late),
    )


@dataclass(frozen=True, slots=True)
class _UntilYes:
    """The time from the first no, if it came at once, to the first yes, or to the last answer. `first`: that no."""

    span: Span
    first: str = ""

    @property
    def took_ms(self) -> float:
        return ms_of(self.span)


def _until_yes(history: History) -> Iterator[_UntilYes]:
    """One for each time in which nothing was broken, if it was asked then."""
    acted_ns = min((entry.t_ns for entry in history.entries_of(FaultActed)), default=math.inf)
    back_ns = max((entry.t_ns for entry in history.entries_of(Recovered)), default=math.inf)
    asked = [e for e in exchanges(history) if e.sent.purpose == Purpose.SAMPLE and e.sent.name == READY]
    for sound in ([e for e in asked if e.span[1] < acted_ns], [e for e in asked if e.span[0] > back_ns]):
        said_yes = next((place for place, each in enumerate(sound) if _yes(each)), len(sound) - 1)
        at_once = [e for e in sound[: said_yes + 1] if _answered(e) and not _yes(e) and not e.waited]
        if at_once:
            yield _UntilYes((at_once[0].span[0], sound[said_yes].span[1]), at_once[0].story())
        elif sound:
            yield _UntilYes((0, 0))


@check(Kind.LIVENESS, says="1 of 1: ready named ; away:")
def names_what_is_away(history: History) -> Examined:
    """The service's answer to `ready` names each server that is away, and no other."""
    began = history.last(RunBegan)
    if began is None or not began.tells_away:
        return Examined(problem="", saw="the target does not say how a server that is away is named", observations=0)
    asked = [e for e in exchanges(history) if e.sent.name == READY and e.sent.asks == Asks.HEALTH and _answered(e)]
    judged, lies = 0, list[_Lie]()
    # If a statement made a server end, the history does not show since when the server was away.
    ended = {died.name for died in history.of(ServerDied)}
    for window in windows(history):
        away = sorted(links_away(window.faults).intersection(began.tells_away) - ended)
        # If a link is away in part, for example with its open connections cut, chance decides what a question meets.
        in_part = links_hurt(window.faults).difference(away)
        if not _asks_fairly(window) or in_part:
            continue
        # The last word: a service may take a moment to notice.
        for e in [e for e in asked if window.holds(e.span)][-1:]:
            judged += 1
            told = sorted(set(e.ended.tells_away) - ended) if e.ended else []
            if told != away:
                story = f"ready named {_names(told)}; away: {_names(away)}{_while(window)}: {e.story()}"
                lies.append(_Lie(e, story, late=set(told) > set(away) and e.waited))
    return Examined(
        problem=_told(lies, judged),
        saw=f"{judged} answers about readiness compared with what was away",
        observations=judged,
        clock=tuple(Late(lie.told.span) for lie in lies) if all(lie.late for lie in lies) else (),
    )


def _told(lies: Sequence[_Lie], judged: int) -> str:
    """Quote the first false answer and count the others. One that a slow machine does not explain comes first."""
    return several([lie.story for lie in sorted(lies, key=lambda lie: lie.late)], judged) if lies else ""


def _names(links: Sequence[str]) -> str:
    return " and ".join(links) or "no server"


def _meets(span: Span, others: Sequence[Span]) -> bool:
    return any(other[0] < span[1] and span[0] < other[1] for other in others)


def _answered(exchange: Exchange) -> bool:
    """Whether there was an answer; another check judges a service that does not answer."""
    return exchange.ended is not None and exchange.ended.status is not None


def _yes(exchange: Exchange) -> bool:
    return exchange.outcome == ACKNOWLEDGED


def _must_live(window: Window, began: RunBegan | None) -> bool:
    """Whether the service must say that it is alive: no fault strikes its process, or a link that this may need."""
    needs = bool(began and began.alive_needs)
    return not any(fault.of_the_process for fault in window.faults) and not (needs and window.disturbed)


def _of_ready(last: Exchange, around: Sequence[Exchange], window: Window, began: RunBegan | None) -> Iterator[_Lie]:
    """Judge the window's last answer about readiness: a service may take a moment to notice a change."""
    acknowledged = sum(1 for e in around if e.outcome in CONFIRMED)
    needs = began.ready_needs if began else ()
    if around and acknowledged == len(around) and not _yes(last) and _asks_fairly(window):
        story = f"although all {acknowledged} deliveries around it were acknowledged{_while(window)}"
        yield _Lie(last, f"ready said no, {story}: {last.story()}", last.waited)
    away = sorted(links_away(window.faults).intersection(needs))
    if around and not acknowledged and _yes(last) and away:
        story = f"although none of {len(around)} deliveries around it was acknowledged{_while(window)}"
        yield _Lie(last, f"ready said yes, {story}: {' and '.join(away)} was away", False)


def _asks_fairly(window: Window) -> bool:
    """Whether a question about health meets the same fault as deliveries, and not, for example, a dead connection."""
    return strikes_all_alike(window.faults) if window.faults else not window.disturbed


def _while(window: Window) -> str:
    return f", while {' and '.join(repr(fault) for fault in window.faults)} was in force" if window.faults else ""
