"""What makes a scenario fail: a protection that is off, a check, and a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

StateCheck = Literal[
    "acknowledged_is_stored", "stored_once", "nothing_foreign", "effects_agree", "refused_is_not_stored",
    "same_answer_again", "never_denied", "shows_what_was_sent", "wrong_is_rejected", "first_body_stays",
    "answers_agree", "keeps_secrets", "leaves_nothing", "pool_returns", "no_leaks", "figure", "counts_are_true",
    "log_tells_answers", "log_is_of_use", "answers_as_approved", "said_as_approved", "counts_as_logged",
    "healthy_is_not_blamed",
]  # fmt: skip
"""Checks of the state afterwards (`Kind.SAFETY`, `Kind.REST`): a proof needs no reason besides the failing check."""

SymptomCheck = Literal[
    "valid_is_not_rejected", "owed", "carries", "health_is_true", "ready_again", "names_what_is_away",
    "answers_in_one_go", "alive", "outcome", "in_time", "slower", "reached", "recovers", "comes_back", "drains", "ends",
    "ends_in_time", "prepares", "retries_capped", "retries_spaced", "final_errors_end_it", "costs_no_other",
    "errors_are_told", "waits_for_something", "log_clean", "assertion", "alerts",
]  # fmt: skip
"""Checks of what clients saw (`Kind.LIVENESS`): many causes have the same symptom, so a proof must name its cause."""

CheckName = Literal[StateCheck, SymptomCheck]
"""Checks that a proof may name, for type checkers only. A check that no proof names need not be here."""


TODO = "TODO"
"""The `match` of a draft: its author has not yet filled in why the scenario must fail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What must make a scenario fail, by which check, and for which reason.

    In the control run `without` is off, and it must hold. In the ablated run `protections` are off as well, and it must
    fail. `under`: use that profile instead of the default one; if no protection is named, the profile is the ablation.
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
