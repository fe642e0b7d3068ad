"""A scenario as the runner sees it, wherever it came from: a test function, or a schedule file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from harness.faults.fault import Need
from harness.scenario.lab import Lab

CheckName = Literal[
    "acknowledged_is_stored", "stored_once", "nothing_foreign", "refused_is_not_stored", "same_answer_again",
    "pool_returns", "no_leaks", "figure",
    "alive", "outcome", "in_time", "slower", "reached", "recovers", "drains", "log_clean", "assertion",
]  # fmt: skip
"""All checks. The first eight look at what is there afterwards, the others at what was seen."""

StateCheck = Literal[
    "acknowledged_is_stored", "stored_once", "nothing_foreign", "refused_is_not_stored", "same_answer_again",
    "pool_returns", "no_leaks", "figure",
]  # fmt: skip
"""What is there afterwards: the failing check says enough by itself."""

SymptomCheck = Literal[
    "alive", "outcome", "in_time", "slower", "reached", "recovers", "drains", "log_clean", "assertion",
]  # fmt: skip
"""What was seen: many causes have the same symptom, so a proof must name its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What must make a scenario fail, by which check, and for which reason.

    The control run has `without` off and must hold; the ablated run has `protections` off as well
    and must fail. `under`: start from that profile instead of the default one; with no protection
    named, the profile is the ablation.
    """

    protections: tuple[str, ...]
    fails: CheckName
    match: str = ""
    without: tuple[str, ...] = ()
    under: str | None = None

    def __str__(self) -> str:
        """`pool.pre_ping`, or `under incident`."""
        names = "+".join(self.protections)
        return names if self.under is None else f"{names} under {self.under}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What to play, under which name, and what would make it fail. `theme`: the file it stands in."""

    id: str
    theme: str
    play: Callable[[Lab], Awaitable[None]]
    proofs: tuple[Proof, ...] = ()
    needs: tuple[Need, ...] = ()
    """What the machine or the stack must have for it, beyond what its faults need."""
    location: str = ""
    """`file:line`, for messages."""
