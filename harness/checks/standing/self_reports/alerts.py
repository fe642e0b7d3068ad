"""Checks of production's alerts: the named ones fire and end, and no other fires."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.checks.clock import Late, Span
from harness.checks.registry import Examined, Kind, check
from harness.history import History
from harness.history.events import AlertChanged, AlertsLeft, AlertsWatched

PENDING, FIRING = "pending", "firing"


@dataclass(slots=True)
class _Watch:
    """One block of `lab.alerts`: its begin, the states of each alert in their order, and its end. `span`: its time."""

    begun: AlertsWatched
    span: Span
    states: dict[str, list[str]] = field(default_factory=dict)
    left: AlertsLeft | None = None


@check(Kind.LIVENESS)
def alerts(history: History) -> Examined:
    """Each alert that a scenario names is pending, then fires, and ends once its cause is gone; no other one fires.

    Rules depend on time. If the run had no cores, an alert may be late, may be sampled too seldom to be seen pending,
    or may fire because the service is slow.
    """
    watches = list(_watches(history))
    found = [(watch.span, list(_problems(watch))) for watch in watches]
    problems = [problem for _span, of_watch in found for problem in of_watch]
    seen = [f"{name}: {', '.join(states)}" for watch in watches for name, states in watch.states.items()]
    nothing = "no alert" if watches else "no Prometheus watched"
    return Examined(
        problem="; ".join(problems),
        saw="; ".join(seen) or nothing,
        observations=len(watches),
        clock=tuple(Late(span) for span, of_watch in found if of_watch),
    )


def _watches(history: History) -> Iterator[_Watch]:
    watch: _Watch | None = None
    for entry in history.entries:
        match entry.event:
            case AlertsWatched() as begun:
                watch = _Watch(begun, (entry.t_ns, history.entries[-1].t_ns))
            case AlertChanged(name, state) if watch is not None:
                watch.states.setdefault(name, []).append(state)
            case AlertsLeft() as left if watch is not None:
                watch.left = left
                watch.span = watch.span[0], entry.t_ns
                yield watch
                watch = None
    if watch is not None:
        yield watch


def _problems(watch: _Watch) -> Iterator[str]:
    yield from (problem for name in watch.begun.fires for problem in _of_one(name, watch.states, watch.begun.waits))
    others = [name for name, states in watch.states.items() if FIRING in states and name not in watch.begun.fires]
    yield from (f"{name} fired, but must not" for name in others)
    if watch.left is not None and watch.left.open:
        told = ", ".join(watch.left.open)
        yield f"{told} had not ended {watch.left.waited_s:.0f} s after the block of its step"


def _of_one(name: str, states: Mapping[str, Sequence[str]], waits: Sequence[str]) -> Iterator[str]:
    seen = states.get(name, ())
    if FIRING not in seen:
        yield f"{name} did not fire, but was {', then '.join(seen) or 'inactive throughout'}"
    elif name in waits and PENDING not in seen[: seen.index(FIRING)]:
        yield f"{name} fired without having been pending"
