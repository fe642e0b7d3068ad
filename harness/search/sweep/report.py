"""Writes `sweep.json`, from which a page is made too."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.results.files import write_atomically
from harness.results.model import RunInfo
from harness.search.sweep.results import CellResult, SweepResults

SCHEMA = "harness.sweep/1"
JSON_FILE = "sweep.json"
HTML_FILE = "sweep.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepReport:
    """A sweep, finished or not. `repro`: the line that repeats a cell, with `{id}` in place of its id.

    `without`: the protections that were off. `part`: a part of the space was asked for.
    """

    info: RunInfo
    results: SweepResults
    stories: Mapping[str, str]
    repro: str
    complete: bool
    exit_status: int | None
    without: tuple[str, ...] = ()
    part: bool = False

    def write(self, folder: Path) -> None:
        """Write the file `sweep.json` into the run's folder."""
        write_atomically(folder / JSON_FILE, json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n")

    def to_json(self) -> dict[str, Any]:
        """Return the sweep's results as a JSON object."""
        results = self.results
        return {
            "schema": SCHEMA,
            "complete": self.complete,
            "exit_status": self.exit_status,
            "run": dataclasses.asdict(self.info),
            "without": list(self.without),
            "part": self.part,
            "planned": results.planned,
            "left_out": list(results.left_out),
            "counts": {verdict.value: count for verdict, count in results.counts.items()},
            "answers": answers_by_action(results.cells),
            "sweeping_s": round(results.sweeping_s, 3),
            "judged_a_second": judged_a_second(results),
            "problems": [problem.to_json() for problem in results.problems],
            "messages": [row.to_json() for row in results.rows],
            "cells": [cell.to_json() for cell in results.cells],
        }


def judged_a_second(results: SweepResults) -> float:
    """Cells a second, from the first fault to the last verdict."""
    return round(len(results.cells) / results.sweeping_s, 1) if results.sweeping_s else 0.0


def answers_by_action(cells: Sequence[CellResult]) -> Mapping[str, Mapping[str, int]]:
    """Count the service's answers by action: a cell that held may be acknowledged, refused or unknown."""
    found: dict[str, Counter[str]] = {}
    for cell in cells:
        action = "cut@N" if cell.cell.first.bytes_passed is not None else cell.cell.first.action
        found.setdefault(action, Counter())[cell.outcome or "nothing"] += 1
    return found


__all__ = ["HTML_FILE", "JSON_FILE", "SweepReport", "answers_by_action", "judged_a_second"]
