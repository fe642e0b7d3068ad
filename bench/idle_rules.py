"""Rules that are armed and never match: because of them, the relay must look at every message."""

from __future__ import annotations

from collections.abc import Sequence

from harness.relay import Cut, Direction, Match, Rule

ARMED = 16
DIRECTIONS: tuple[Direction, ...] = ("sent", "answered")


def idle_rules(hop: str, number: int = ARMED) -> Sequence[Rule]:
    """Rules for both directions in turn, each by its text, like those of a run."""
    return [
        Rule(
            id=f"idle-{hop}-{index}",
            hop=hop,
            match=Match(direction=DIRECTIONS[index % 2], text=f"NEVER SENT {index}"),
            action=Cut(),
        )
        for index in range(number)
    ]
