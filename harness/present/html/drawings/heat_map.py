"""The ablation matrix of the page: a row per scenario, a column per protection, each cell a link to its run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.present.html.drawings.grid import Entry
from harness.results import RunKey
from harness.results.model import RunRead, SummaryRead


@dataclass(frozen=True, slots=True)
class HeatRow:
    """The row of one scenario. `cells`: a run for each protection; None if that was not run."""

    id: str
    cells: Sequence[Entry | None]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """The whole. `carried`: for each protection, how many scenarios fail without it alone."""

    protections: Sequence[str]
    rows: Sequence[HeatRow]
    carried: Sequence[int]


def heat_map_of(summary: SummaryRead) -> HeatMap | None:
    """Return the matrix of a run that tried it; None for any other run."""
    matrix = summary.matrix
    if matrix is None:
        return None
    runs = {run.key: (place, run) for place, run in enumerate(summary.runs)}
    rows = [
        HeatRow(id_, [_entry(runs, RunKey(id_, matrix.profile, (name,))) for name in matrix.protections])
        for id_ in summary.selection
        if RunKey(id_, matrix.profile) in runs
    ]
    carried = [sum(_failed(row.cells[place]) for row in rows) for place in range(len(matrix.protections))]
    return HeatMap(matrix.protections, rows, carried)


def _entry(runs: Mapping[RunKey, tuple[int, RunRead]], key: RunKey) -> Entry | None:
    if key not in runs:
        return None
    place, run = runs[key]
    checks = f" by {', '.join(run.failing_checks)}" if run.verdict == "failed" else ""
    return Entry(place, run.verdict, f"{key.id}, without {', '.join(key.without)}: {run.verdict}{checks}")


def _failed(entry: Entry | None) -> bool:
    return entry is not None and entry.verdict == "failed"


__all__ = ["HeatMap", "HeatRow", "heat_map_of"]
