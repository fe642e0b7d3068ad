"""Turns an example of a fault into the moves of a scenario."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.engine.steps import Deliver, Heal, Inject, Request, Restart, Until, Wait
from harness.faults.example import Example
from harness.scenario.schedule import Begin, Do, End, Move
from harness.vocabulary import ACKNOWLEDGED


def moves_of(example: Example) -> Sequence[Move]:
    """Return the steps of the scenario."""
    return tuple(_moves(example))


def _moves(example: Example) -> Iterator[Move]:
    fault = example.fault
    inject = Inject((*example.before, fault, *example.beside))
    deliver = Deliver(max(example.deliveries, 1), copies=example.copies, expect=example.expect)
    if example.restarted_with:
        yield Do(Restart(example.restarted_with))
    if example.prepared:
        yield Do(Deliver())
    match example.met:
        case "during":
            yield Begin(1, inject)
            if example.restarts:
                yield Do(Restart())
            if example.idle_s:
                yield Do(Wait(example.idle_s, because="it strikes what is idle for so long"))
            if example.deliveries:
                yield Do(deliver)
            if example.reads:
                yield Do(Request(example.reads, expect=ACKNOWLEDGED))
            yield End(1)
        case "after":
            yield Do(inject)
            yield Do(deliver)
        case "until met":
            yield Do(inject)
            yield Begin(1, deliver)
            yield Do(Until(fault.fired()))
            yield Do(Heal((fault,)))
            yield End(1)
