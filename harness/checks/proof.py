"""What must make a scenario fail: a protection switched off, a check, and a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
