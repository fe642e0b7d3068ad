"""What must make a scenario fail: a protection switched off, a check, and a reason."""

from __future__ import annotations

from collections.abc import Mapping
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

SAYS_ALWAYS: Mapping[str, str] = {
    "outcome": "1 of 1: : expected , got , after 0.00 s",
    "in_time": "1 of 1: : , after 0.00 s (limit 0 s)",
    "slower": "1 of 1: : took 0.00 s (healthy 0.0 ms, at most 0 ms more)",
    "reached": " not reached in 0 s: ",
    "recovers": "nothing acknowledged 0 s after healing: ",
}
"""What a check's sentence has in it whatever made it fail: a reason that is found here tells nothing apart."""


TODO = "TODO"
"""The `match` of a draft: nobody has said yet why the scenario must fail."""


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

    @property
    def is_draft(self) -> bool:
        """Whether its `match` is still to be written."""
        return self.match == TODO

    def __str__(self) -> str:
        """`pool.pre_ping`, or `under incident`."""
        names = "+".join(self.protections)
        return names if self.under is None else f"{names} under {self.under}".strip()
