"""Verdicts, and the result of a check."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass

from harness.checks.clock import Late


class Verdict(enum.StrEnum):
    """The result of a run: held, failed or inconclusive; or unavailable, if this machine cannot run the scenario."""

    HELD = "held"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    UNAVAILABLE = "unavailable"


WORST_FIRST = (Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.UNAVAILABLE, Verdict.HELD)


def worst(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Return the worst of several verdicts.

    For example::

        worst([Verdict.HELD, Verdict.INCONCLUSIVE]) is Verdict.INCONCLUSIVE

    Args:
        verdicts: failed outranks inconclusive, which outranks held. Unavailable ones do not count.

    Returns:
        None if there is no verdict.
    """
    seen = set(verdicts) - {Verdict.UNAVAILABLE}
    return next((verdict for verdict in WORST_FIRST if verdict in seen), None)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check for one run.

    For example::

        results = chaos.check(stored="SELECT id FROM orders")
        assert all(result.observations for result in results)

    Args:
        name: the check's name.
        failed: whether it failed.
        reason: why it failed, in a sentence.
        saw: what it examined, in one line, whether it failed or not.
        observations: how many things it examined. With 0 there was nothing to examine.
        safety: it failed because a row was lost, doubled or foreign. This counts even if a fault left no evidence.
        told_last: it judges stored rows but failed for another reason, such as a refused repeat. This is often a
            consequence of other failures, so they are reported first.
        firm: no later step of the scenario could have made it hold. So it counts even if a moment never came.
        deliveries: all deliveries whose answers made it fail; the sentence names the first.
        clock: the spans of time that were too long, if it failed for that reason.
        excused: why such a failure does not count: the machine had no free core.
        blurred: why it could not have failed: missing cores hide what it looks for.
        symptom: what the failure has in common with others of the same cause: no id, no count and no time.
        seen_ns: when the first request that failed it had ended, in ns of CLOCK_MONOTONIC; None if there is none.
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
    blurred: str = ""
    symptom: tuple[str, ...] = ()
    seen_ns: int | None = None

    @property
    def counts(self) -> bool:
        """Whether it failed, and nothing excuses that."""
        return self.failed and not self.excused


def most_telling(failing: Iterable[CheckResult]) -> CheckResult | None:
    """Return the failure that a verdict reports: wrong rows come first, consequences of other failures last.

    For example::

        first = most_telling(result for result in judge(history).checks if result.failed)

    Args:
        failing: results of checks that failed.

    Returns:
        None if there is none.
    """
    return min(failing, key=lambda each: (not each.safety, each.told_last), default=None)
