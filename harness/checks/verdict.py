"""Verdicts, and what a check says."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass


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
    """What one check says of one run. `reason` is a sentence.

    `safety`: a lost, doubled or foreign row. It counts even where a fault left no evidence.
    `deliveries`: all those whose answers it failed by; the sentence names the first.
    """

    name: str
    failed: bool
    reason: str = ""
    safety: bool = False
    deliveries: tuple[str, ...] = ()
