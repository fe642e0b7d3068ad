"""The shapes of the suite's scenarios: the steps during a fault, and after it."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine.steps import Contract, Deliver, Inject, Request, Step, Until, Wait
from harness.faults import Fault
from harness.scenario.schedule import Begin, Do, End, Move
from harness.standard.statements import Statement
from harness.target import Target
from harness.vocabulary import ACKNOWLEDGED, ALREADY, NO_WORD, REFUSED, Outcome

MAY_REFUSE = ACKNOWLEDGED | REFUSED
"""While a dependency is away, a service may work without it, or say "not now". It must not be in doubt."""

MAY_NOT_KNOW = ACKNOWLEDGED | NO_WORD
"""A silent dependency may have carried out the request, so "I do not know" is then the truth."""


def during(faults: Sequence[Fault], steps: Sequence[Step]) -> tuple[Move, ...]:
    """Perform the steps while the faults are in force."""
    return (Begin(1, Inject(tuple(faults))), *map(Do, steps), End(1))


def felt_later(moves: Sequence[Move]) -> tuple[Move, ...]:
    """The moves with a wait before the end of the fault: a worker meets it a moment after the delivery's answer.

    Only for the first of the faults. The others help it; a cut, for example, needs an open connection.
    """
    firsts = (each.step.faults[0] for each in moves if isinstance(each, Begin) and isinstance(each.step, Inject))
    waits = [Do(Until(fault.fired())) for fault in firsts]
    return (*moves[:-1], *waits, moves[-1]) if moves and isinstance(moves[-1], End) else tuple(moves)


def delivered(count: int, expect: Outcome = MAY_REFUSE) -> Step:
    """Deliveries, all at once."""
    return Deliver(count, expect=expect)


def away_for(seconds: float) -> Sequence[Step]:
    """Every kind of request at the beginning, a pause, and a delivery at the end."""
    return (delivered(2), Contract(), Wait(seconds, because="so long the dependency is away"), delivered(1))


def met_later(fault: Fault, target: Target) -> Sequence[Step]:
    """A wait for the fault, if a worker stores: it meets the fault a moment after the delivery was acknowledged."""
    return (Until(fault.fired()),) if target.description.later_ms else ()


def met_by(statement: Statement, fault: Fault, target: Target, expect: Outcome) -> tuple[Move, ...]:
    """Let the request that sends a statement meet a fault there. A repeat and a read owe no more than a delivery."""
    match statement.kind:
        case "repeat":
            return (Do(Deliver()), *during([fault], [Request("again", expect=expect | ALREADY)]))
        case "read":
            read = next(iter(target.description.reads))
            return (Do(Deliver()), *during([fault], [Request(read, expect=expect)]))
        case _:
            return during([fault], [delivered(1, expect), *met_later(fault, target)])
