"""How an answer comes: once it has begun, to its end."""

from __future__ import annotations

import statistics

from harness.checks.clock import Late
from harness.checks.facts.exchanges import exchanges, several
from harness.checks.registry import Examined, Kind, check
from harness.history import History

PAUSE_MS_MAX = 20.0
"""A client acknowledges the first piece of an answer after 40 ms, if nothing else makes it send something. A service
that waits for that with the next piece loses as much with each request."""
ANSWERS_AT_LEAST = 8
"""Of fewer answers nothing is said: one that paused may have had no core just then."""


@check(Kind.LIVENESS, says="0 of 0: , after 0.00 s: paused for ms before its end")
def answers_in_one_go(history: History) -> Examined:
    """An answer that has begun comes to its end at once, over connections that have carried others, too."""
    came = [e for e in exchanges(history) if e.ended is not None and e.ended.paused_ms is not None]
    pauses = [e.ended.paused_ms or 0.0 for e in came if e.ended is not None]
    slow = [e for e, pause_ms in zip(came, pauses, strict=True) if pause_ms > PAUSE_MS_MAX]
    median_ms = statistics.median(pauses) if pauses else 0.0
    bad = slow if len(came) >= ANSWERS_AT_LEAST and 3 * len(slow) > len(came) else []
    stories = [f"{e.name}: {e.story()}: paused for {e.ended.paused_ms:.0f} ms before its end" for e in bad if e.ended]
    return Examined(
        problem=several(stories, len(came)) if bad else "",
        saw=f"{len(came)} answers over connections that had carried others, {median_ms:.1f} ms from piece to piece",
        observations=len(came),
        deliveries=tuple(dict.fromkeys(e.sent.delivery for e in bad)),
        clock=tuple(Late(e.span, (e.ended.paused_ms or 0.0) - PAUSE_MS_MAX) for e in bad if e.ended),
    )
