"""The results of single cells, and of a whole sweep."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.results.cause import Cause
from harness.search.recording.places import CellId, Kind, Place
from harness.vocabulary import Json


class CellVerdict(enum.StrEnum):
    """The verdicts of a run, and three more for cells that are judged separately. The worst comes first."""

    FAILED = "failed"
    SILENT = "silent"
    """Judged separately: something false was confirmed or stored, without any error."""
    INCONCLUSIVE = "inconclusive"
    """The fault did not strike, or the harness broke: the cell proves nothing."""
    UNMET = "unmet"
    """For a pair: the service survived the first fault, and did not retry anything that the second could meet."""
    NOTICED = "noticed"
    """Judged separately: the service did not confirm anything false."""
    HELD = "held"


NOTABLE = (CellVerdict.FAILED, CellVerdict.SILENT, CellVerdict.INCONCLUSIVE)
"""Cells of these verdicts are listed one by one, with their histories."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellResult:
    """One cell, judged.

    `answer`: how each request ended, in words. `outcome`: the first request's. `evidence`: what the relay did, or saw
    instead. `struck`: how many of its faults struck, in their order. `tries`: how often it was tried until they struck.
    `history`: the file, relative to the run's folder, and the lines of it that are this cell's. `cause`: why it failed,
    if it did: cells with equal causes are one finding.
    """

    cell: CellId
    verdict: CellVerdict
    reason: str = ""
    failing: tuple[str, ...] = ()
    answer: str = ""
    outcome: str = ""
    evidence: tuple[str, ...] = ()
    struck: int = 0
    tries: int = 1
    took_ms: float = 0.0
    lane: int = 0
    history: str = ""
    lines: tuple[int, int] = (0, 0)
    repro: str = ""
    cause: Cause | None = None

    def to_json(self) -> dict[str, Json]:
        """Return its entry in `sweep.json`."""
        return {
            "id": str(self.cell), "kind": self.cell.kind, "verdict": self.verdict.value, "reason": self.reason,
            "failing_checks": list(self.failing), "answer": self.answer, "evidence": list(self.evidence),
            "struck": self.struck, "tries": self.tries, "took_ms": round(self.took_ms, 1), "lane": self.lane,
            "history": self.history, "lines": list(self.lines), "repro": self.repro,
            "cause": None if self.cause is None else self.cause.to_json(),
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneProblem:
    """A problem of a whole lane: foreign rows, connections left open, or a start that failed.

    `cell`: the cell that causes it whenever it is tried, if there is one.
    """

    lane: int
    verdict: CellVerdict
    reason: str
    failing: tuple[str, ...] = ()
    cell: CellId | None = None

    @property
    def told(self) -> str:
        """The reason, and the cell that causes it, for readers."""
        return self.reason if self.cell is None else f"{self.reason}; each time after {self.cell}"

    def to_json(self) -> dict[str, Json]:
        """Return its entry in `sweep.json`."""
        return {
            "lane": self.lane,
            "verdict": self.verdict.value,
            "reason": self.reason,
            "failing_checks": list(self.failing),
            "cell": None if self.cell is None else str(self.cell),
        }


@dataclass(frozen=True, slots=True)
class RowOfMap:
    """One message of one kind of delivery: a row of the maps. `length`: its recorded bytes."""

    kind: Kind
    place: Place
    length: int

    def to_json(self) -> dict[str, Json]:
        """Return its entry in `sweep.json`."""
        return {"kind": self.kind, "place": str(self.place), "length": self.length}


@dataclass(slots=True)
class SweepResults:
    """Everything that a sweep found so far."""

    rows: Sequence[RowOfMap] = ()
    cells: list[CellResult] = field(default_factory=list)
    problems: list[LaneProblem] = field(default_factory=list)
    planned: int = 0
    left_out: Sequence[str] = ()
    sweeping_s: float = 0.0

    @property
    def counts(self) -> Mapping[CellVerdict, int]:
        """Cells by verdict, the worst first."""
        counted = Counter(cell.verdict for cell in self.cells)
        return {verdict: counted[verdict] for verdict in CellVerdict}

    @property
    def untried(self) -> int:
        """How many of the planned cells have no result."""
        return max(0, self.planned - len({cell.cell for cell in self.cells}))

    @property
    def tried_again(self) -> str:
        """Say how many cells took more than one try; empty if none did."""
        again = [cell.tries for cell in self.cells if cell.tries > 1]
        return f"tried more than once: {len(again)} cells, {max(again)} times at most" if again else ""

    @property
    def verdicts(self) -> frozenset[CellVerdict]:
        """All results, of cells and of lanes."""
        return frozenset({*(cell.verdict for cell in self.cells), *(problem.verdict for problem in self.problems)})
