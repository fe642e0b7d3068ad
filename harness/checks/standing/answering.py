"""Checks how an answer arrives, from its first byte to its last."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from harness.checks.clock import Late
from harness.checks.facts.exchanges import Exchange, exchanges, several
from harness.checks.registry import Examined, Kind, check
from harness.history import History
from harness.vocabulary import Outcome

PAUSE_MS_MAX = 20.0
"""A client acknowledges the first piece of an answer after 40 ms, if it has nothing else to send. A service that waits
for this before the next piece loses 40 ms with each request."""
ANSWERS_AT_LEAST = 8
"""Fewer answers are not judged: one that paused may have had no core just then."""


@check(Kind.LIVENESS, says="0 of 0: , after 0.00 s: paused for ms before its end")
def answers_in_one_go(history: History) -> Examined:
    """An answer that has begun comes to its end at once, over connections that have carried others, too.

    All answers are judged together, and also each kind separately, for example the reads that found a delivery.
    """
    came = [e for e in exchanges(history) if e.ended is not None and e.ended.paused_ms is not None]
    alike: dict[tuple[str, Outcome], list[Exchange]] = {}
    for each in came:
        alike.setdefault((each.sent.asks, each.outcome), []).append(each)
    found = {e.sent.request for of_kind in (came, *alike.values()) for e in _too_many_slow(of_kind)}
    bad = [e for e in came if e.sent.request in found]
    median_ms = statistics.median(map(_pause_ms, came)) if came else 0.0
    stories = [f"{e.name}: {e.story()}: paused for {_pause_ms(e):.0f} ms before its end" for e in bad]
    return Examined(
        problem=several(stories, len(came)) if bad else "",
        saw=f"{len(came)} answers over reused connections, {median_ms:.1f} ms from piece to piece",
        observations=len(came),
        deliveries=tuple(dict.fromkeys(e.sent.delivery for e in bad)),
        clock=tuple(Late(e.span, _pause_ms(e) - PAUSE_MS_MAX) for e in bad),
    )


def _too_many_slow(answers: Sequence[Exchange]) -> Sequence[Exchange]:
    """The answers that paused, if there are enough to tell, and more than a third did."""
    slow = [e for e in answers if _pause_ms(e) > PAUSE_MS_MAX]
    return slow if len(answers) >= ANSWERS_AT_LEAST and 3 * len(slow) > len(answers) else []


def _pause_ms(exchange: Exchange) -> float:
    return (exchange.ended.paused_ms or 0.0) if exchange.ended is not None else 0.0
