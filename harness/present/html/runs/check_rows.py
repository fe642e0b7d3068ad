"""Lists what each check of a run examined and saw, from the run's summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.checks import wants
from harness.results.model import RunRead


@dataclass(frozen=True, slots=True)
class CheckShown:
    """One check. `wants`: what must hold. `saw`: why it failed, or what it examined. `idle`: nothing to judge."""

    name: str
    failed: bool
    wants: str
    saw: str
    idle: bool = False

    @property
    def look(self) -> str:
        """The verdict whose mark it has. A check that had nothing to judge did not hold."""
        return "failed" if self.failed else "unavailable" if self.idle else "held"


def checks_seen(run: RunRead) -> Sequence[CheckShown]:
    """All checks in their own order, the failed ones first. For an older harness's run, the failed ones' names."""
    if not run.checks:
        return [CheckShown(name, True, wants(name), "") for name in run.failing_checks]
    found = [
        CheckShown(
            each.name, each.failed, wants(each.name), each.reason if each.failed else each.saw,
            idle=each.observations == 0 and not each.failed,
        )
        for each in run.checks
    ]  # fmt: skip
    return sorted(found, key=lambda seen: not seen.failed)
