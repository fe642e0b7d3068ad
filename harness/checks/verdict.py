"""Verdicts, and what a check says."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass

from harness.checks.clock import Span


class Verdict(enum.StrEnum):
    """Three-valued, and a fourth for what this machine cannot run."""

    HELD = "held"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    UNAVAILABLE = "unavailable"


WORST_FIRST = (Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.UNAVAILABLE, Verdict.HELD)


def worst(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Failed outranks inconclusive outranks held; None where nothing was judged."""
    seen = set(verdicts) - {Verdict.UNAVAILABLE}
    return next((verdict for verdict in WORST_FIRST if verdict in seen), None)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check says of one run.

    `reason`: why it failed, in a sentence. `saw`: what it looked at, passing or failing, in a line. `observations`: how
    many things it looked at; with 0 it had nothing to look at.
    `safety`: it failed by a lost, doubled or foreign row. That counts even where a fault left no evidence.
    `firm`: nothing that the scenario had still to do could have made it hold; so it counts even where the scenario
    waited in vain for a moment. `deliveries`: all those whose answers it failed by; the sentence names the first.
    `clock`: it failed because something took long, in these spans. That counts only while the machine had cores.
    """

    name: str
    failed: bool
    reason: str = ""
    _: KW_ONLY
    saw: str = ""
    observations: int = 0
    safety: bool = False
    firm: bool = True
    deliveries: tuple[str, ...] = ()
    clock: tuple[Span, ...] = ()
