"""Verdicts, and the result of a check."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass

from harness.checks.clock import Late


class Verdict(enum.StrEnum):
    """Three-valued, and a fourth for what this machine cannot run."""

    HELD = "held"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    UNAVAILABLE = "unavailable"


WORST_FIRST = (Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.UNAVAILABLE, Verdict.HELD)


def worst(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Return the worst: failed outranks inconclusive outranks held. None if there is no verdict."""
    seen = set(verdicts) - {Verdict.UNAVAILABLE}
    return next((verdict for verdict in WORST_FIRST if verdict in seen), None)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check for one run.

    `reason`: why it failed, in a sentence. `saw`: what it examined, passing or failing, in a line. `observations`: how
    many things it examined; with 0 there was nothing to examine.

    `safety`: it failed because a row was lost, doubled or foreign. That counts even if a fault left no evidence.
    `told_last`: it judges what is stored and failed by something else, such as a repeat that was refused. Often that is
    a consequence of what other checks tell.
    `firm`: no later step of the scenario could have made it hold, so it counts even if the scenario waited in vain for
    a moment. `deliveries`: all deliveries whose answers failed it; the sentence names the first. `clock`: it failed
    because something took long, in these spans. `excused`: why that does not count: the machine had no cores for it.
    `symptom`: what the failure has in common with others of the same cause: no id, no count and no time. `seen_ns`:
    when the first request that failed it had ended; None where it is about no request.
    """

    name: str
    failed: bool
    reason: str = ""
    _: KW_ONLY
    saw: str = ""
    observations: int = 0
    safety: bool = False
    told_last: bool = False
    firm: bool = True
    deliveries: tuple[str, ...] = ()
    clock: tuple[Late, ...] = ()
    excused: str = ""
    symptom: tuple[str, ...] = ()
    seen_ns: int | None = None

    @property
    def counts(self) -> bool:
        """Whether it failed, and nothing excuses that."""
        return self.failed and not self.excused


def most_telling(failing: Iterable[CheckResult]) -> CheckResult | None:
    """The one of several failures that a verdict tells: wrong rows first, and last what often follows from others."""
    return min(failing, key=lambda each: (not each.safety, each.told_last), default=None)
