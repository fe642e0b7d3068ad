"""Checks that the service answers unusual requests as approved."""

from __future__ import annotations

from collections.abc import Sequence

from harness.checks.clock import Late
from harness.checks.registry import Examined, Kind, check
from harness.history import History
from harness.history.events import VariantAnswered

SHOWN = 3
NAMED = 20
"""How many of the others are named. Often their names show what they have in common."""
MEND = "if it is meant, run `python -m harness answers --update` and review the difference"


@check(Kind.SAFETY)
def answers_as_approved(history: History) -> Examined:
    """Each variant of a request is answered as approved, and stores what was approved.

    A variant without an approved answer is named, but not judged. If the others only got no answer in time, or a
    refusal, a busy machine excuses that.
    """
    seen = list(history.of(VariantAnswered))
    other = [each for each in seen if each.approved and each.seen != each.approved]
    problems = [f"{each.name!r} was answered {each.seen!r}, approved is {each.approved!r}" for each in other[:SHOWN]]
    more = f" (and {len(other) - SHOWN} more: {_names(other[SHOWN:])})" if len(other) > SHOWN else ""
    unknown = [each.name for each in seen if not each.approved]
    told = f"; not approved yet: {len(unknown)}, {unknown[0]!r} the first" if unknown else ""
    return Examined(
        problem=f"{'; '.join(problems)}{more}; {MEND}" if other else "",
        saw=f"{len(seen) - len(unknown)} variants of requests{told}" if seen else "no variant was sent",
        observations=len(seen) - len(unknown),
        clock=tuple(map(_late, other)) if all(each.no_word for each in other) else (),
    )


def _late(answered: VariantAnswered) -> Late:
    return Late((answered.sent_ns, answered.sent_ns + round(answered.took_ms * 1e6)))


def _names(answered: Sequence[VariantAnswered]) -> str:
    names = ", ".join(each.name for each in answered[:NAMED])
    return names + (", ..." if len(answered) > NAMED else "")
