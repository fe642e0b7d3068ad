"""What a sweep over a command found."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.checks import Verdict
from harness.results.cause import Cause, Found, by_cause
from harness.results.text import shortened
from harness.vocabulary import Json
from harness.wrap.sweep.cells import Cell

SCHEMA = "harness.wrap/1"
JSON_FILE = "wrap.json"
HTML_FILE = "wrap.html"
SYMPTOM_CHARACTERS = 120
TEST_FAILED, FIXTURE_FAILED = "a test failed", "a test's fixture failed, or it broke"
"""Checks of causes: pytest tells one from the other."""
_VALUES = re.compile(r"0x[0-9a-f]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellResult:
    """One break.

    `tests`: the tests that failed because of it, and why; `said`: the command's last output, if there are no tests.
    """

    cell: Cell
    verdict: Verdict
    reason: str
    evidence: Sequence[str] = ()
    tests: Mapping[str, str] = field(default_factory=dict)
    took_s: float = 0.0
    log: str = ""
    cause: Cause | None = None

    def to_json(self) -> dict[str, Json]:
        """Its fields by name."""
        return {
            "id": str(self.cell),
            "verdict": self.verdict.value,
            "reason": self.reason,
            "evidence": list(self.evidence),
            "tests": dict(self.tests),
            "took_s": round(self.took_s, 3),
            "log": self.log,
            "cause": None if self.cause is None else self.cause.to_json(),
        }


@dataclass(slots=True, kw_only=True)
class SweepFound:
    """A whole sweep. `left_out`: sentences. `took_s`: of the unbroken run."""

    planned: int = 0
    cells: list[CellResult] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    took_s: float = 0.0
    tests: int | None = None

    @property
    def counts(self) -> Mapping[Verdict, int]:
        """How many breaks had each verdict."""
        found = Counter(cell.verdict for cell in self.cells)
        return {verdict: found[verdict] for verdict in (Verdict.HELD, Verdict.FAILED, Verdict.INCONCLUSIVE)}

    def to_json(self) -> dict[str, Json]:
        """The document."""
        return {
            "schema": SCHEMA,
            "planned": self.planned,
            "counts": {verdict.value: count for verdict, count in self.counts.items()},
            "left_out": list(self.left_out),
            "unbroken_s": round(self.took_s, 3),
            "tests": self.tests,
            "cells": [cell.to_json() for cell in self.cells],
        }


def document_of(found: SweepFound, *, complete: bool, exit_status: int, command: str) -> dict[str, Json]:
    """The content of `wrap.json`, as docs/results.md describes it."""
    return {**found.to_json(), "complete": complete, "exit_status": exit_status, "command": command}


def findings(found: SweepFound) -> Sequence[Found[CellResult]]:
    """The changes by their causes: first those that a test asserts, last those that only fixtures met."""
    failed = [result for result in found.cells if result.verdict is Verdict.FAILED]
    grouped = by_cause((result.cause, result) for result in failed if result.cause is not None)
    return sorted(grouped, key=lambda each: each.cause.check == FIXTURE_FAILED)


def symptom_of(reason: str) -> str:
    """A reason without the values that differ from run to run, so that equal causes have equal symptoms."""
    return shortened(_VALUES.sub("N", reason), SYMPTOM_CHARACTERS)
