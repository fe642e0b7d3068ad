"""The ablation matrix: every scenario with each protection off, one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.checks import Verdict
from harness.results import RunKey, RunResult
from harness.results.ablation import PairVerdict, ProofResult


@dataclass(frozen=True, slots=True)
class Cell:
    """One scenario, one protection off: the verdict, and by which checks."""

    verdict: Verdict
    failing_checks: tuple[str, ...]
    reason: str

    @classmethod
    def of(cls, result: RunResult) -> Cell:
        """Read it from its run."""
        return cls(result.verdict, result.failing_checks, result.reason)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object with the fields by name."""
        return {
            "verdict": self.verdict.value,
            "failing_checks": list(self.failing_checks),
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Row:
    """One scenario: with everything on, and with each protection off, by the protection's name."""

    id: str
    whole: Cell
    cells: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Cover:
    """Two protections that replace each other in a scenario: it fails only with both of them off."""

    scenario: str
    protection: str
    covered_by: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """All rows. `protections` are the columns."""

    profile: str
    protections: Sequence[str]
    rows: Sequence[Row]
    covers: Sequence[Cover] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the object under `matrix` in the summary's section `ablation`."""
        return {
            "profile": self.profile,
            "protections": list(self.protections),
            "rows": [
                {
                    "id": row.id,
                    "whole": row.whole.to_json(),
                    "cells": {name: cell.to_json() for name, cell in row.cells.items()},
                }
                for row in self.rows
            ],
            "covers": [
                {"scenario": each.scenario, "protection": each.protection, "covered_by": each.covered_by}
                for each in self.covers
            ],
        }

    def carries(self, protection: str) -> Sequence[str]:
        """The scenarios that hold, and fail without this protection alone."""
        return [row.id for row in self.rows if row.whole.verdict is Verdict.HELD and _failed(row.cells.get(protection))]

    def carried_by_none(self) -> Sequence[str]:
        """The scenarios that no single protection makes fail."""
        return [row.id for row in self.rows if not any(_failed(cell) for cell in row.cells.values())]


def _failed(cell: Cell | None) -> bool:
    return cell is not None and cell.verdict is Verdict.FAILED


def matrix_of(
    known: Mapping[RunKey, RunResult],
    ids: Sequence[str],
    protections: Sequence[str],
    profile: str,
    proofs: Sequence[ProofResult],
) -> Matrix:
    """Arrange the existing runs. A scenario that was not run with everything on has no row."""
    rows = [
        Row(
            name,
            Cell.of(known[RunKey(name, profile)]),
            {off: Cell.of(known[key]) for off in protections if (key := RunKey(name, profile, (off,))) in known},
        )
        for name in ids
        if RunKey(name, profile) in known
    ]
    return Matrix(profile, tuple(protections), rows, tuple(_covers(rows, proofs)))


def _covers(rows: Sequence[Row], proofs: Sequence[ProofResult]) -> Iterator[Cover]:
    """Find such pairs in proofs that are `without` another protection, if neither protection matters alone."""
    by_id = {row.id: row for row in rows}
    for proof in proofs:
        row = by_id.get(proof.id)
        if row is None or proof.judgement.verdict is not PairVerdict.PROVED or proof.proof.under is not None:
            continue
        for protection in proof.proof.protections:
            for other in proof.proof.without:
                if _held(row.cells.get(protection)) and _held(row.cells.get(other)):
                    yield Cover(proof.id, protection, other)


def _held(cell: Cell | None) -> bool:
    return cell is not None and cell.verdict is Verdict.HELD
