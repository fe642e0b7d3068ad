"""A table with a row per scenario: a column per profile or removed protection, and one for all of its proofs.

Each cell links to its runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from harness.present.html.runs.evidence_order import Telling
from harness.present.looks import rank
from harness.results.model import ProofRead, RunRead, SummaryRead

_KINDS = ("run", "proof", "off")


@dataclass(frozen=True, slots=True)
class Column:
    """`kind`: run (a profile, with what is off), proof (all protections that must matter) or off (one that may)."""

    kind: str
    name: str
    profile: str = ""
    without: tuple[str, ...] = ()


PROOFS = Column("proof", "its proofs: it fails without")


@dataclass(frozen=True, slots=True)
class Entry:
    """One run, or one proof, in a cell. `run`: the run's place in the summary. `told`: all of it, in words."""

    run: int
    verdict: str
    told: str
    name: str = ""
    """What it proves, if it is a proof. Proofs share a column."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What a scenario did in a column; the worst entry stands for all."""

    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class Row:
    """The row of one scenario."""

    theme: str
    id: str
    cells: Sequence[Cell]
    first: RunRead
    """Its run in the first column that has one: the row shows this run's figures."""
    seen: Sequence[str]
    """That run's evidence. What the fewest rows have comes first, because it distinguishes the row from its
    neighbours."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The whole table. Columns of a kind are side by side."""

    columns: Sequence[Column]
    rows: Sequence[Row]

    @property
    def themes(self) -> Sequence[tuple[str, Sequence[Row]]]:
        """Rows by theme, in their order."""
        return [(theme, list(rows)) for theme, rows in groupby(self.rows, key=lambda row: row.theme)]

    @property
    def edges(self) -> frozenset[int]:
        """The columns at which another kind begins."""
        kinds = [column.kind for column in self.columns]
        return frozenset(place for place in range(1, len(kinds)) if kinds[place] != kinds[place - 1])

    def has(self, kind: str) -> bool:
        """Whether there is a column of a kind."""
        return any(column.kind == kind for column in self.columns)


def grid_of(summary: SummaryRead) -> Grid:
    """Return rows in the order of the suite. Columns: profiles, then what was off, then proofs by name."""
    cells: dict[tuple[str, Column], list[Entry]] = {}
    for id_, column, entry in _entries(summary):
        cells.setdefault((id_, column), []).append(entry)
    columns = sorted({column for _, column in cells}, key=_order(summary))
    themes = {run.id: run.theme for run in summary.runs}
    telling = Telling(summary)
    rows = [
        _row(
            theme,
            id_,
            [Cell(sorted(cells.get((id_, column), []), key=_worst_first)) for column in columns],
            summary,
            telling,
        )
        for id_, theme in sorted(themes.items(), key=_by_theme(summary))
    ]
    return Grid(columns, rows)


def _row(theme: str, id_: str, cells: Sequence[Cell], summary: SummaryRead, telling: Telling) -> Row:
    first = summary.runs[next(entry.run for cell in cells for entry in cell.entries)]
    return Row(theme, id_, cells, first, telling.of(first))


def _entries(summary: SummaryRead) -> Iterator[tuple[str, Column, Entry]]:
    places = {str(run.key): place for place, run in enumerate(summary.runs)}
    told = {place for proof in summary.proofs for place in _halves(proof, places)}
    matrix = summary.matrix
    for place, run in enumerate(summary.runs):
        if matrix is not None and run.role == "ablated" and run.profile == matrix.profile and len(run.without) == 1:
            continue  # the heat map has it
        if run.role == "scenario" or place not in told:
            kind = "off" if run.role == "ablated" else "run"
            column = Column(kind, column_name(run), run.profile, tuple(run.without))
            yield run.id, column, Entry(place, run.verdict, f"{run.id}, {column.name}: {run.verdict}")
    for proof in summary.proofs:
        if proof.ablated in places:
            said = f"{proof.id}, proof of {proof.proof}: {proof.verdict}"
            yield proof.id, PROOFS, Entry(places[proof.ablated], proof.verdict, said, _proof_name(proof))


def _halves(proof: ProofRead, places: Mapping[str, int]) -> Iterator[int]:
    for key in (proof.control, proof.ablated):
        if key in places:
            yield places[key]


def column_name(run: RunRead) -> str:
    """`hardened`, or `hardened without pool.pre_ping`."""
    return f"{run.profile} without {', '.join(run.without)}" if run.without else run.profile


def _proof_name(proof: ProofRead) -> str:
    if proof.under is not None and not proof.protections:
        return f"under {proof.under}"
    return "+".join(proof.protections) or proof.proof


def _order(summary: SummaryRead) -> Callable[[Column], tuple[object, ...]]:
    own = summary.run.profile

    def key(column: Column) -> tuple[object, ...]:
        return (_KINDS.index(column.kind), column.profile != own, bool(column.without), column.name)

    return key


def _by_theme(summary: SummaryRead) -> Callable[[tuple[str, str]], tuple[int, int]]:
    """Themes in the order in which they first ran, and the scenarios of each likewise."""
    themes = {theme: place for place, theme in enumerate(dict.fromkeys(run.theme for run in summary.runs))}
    ids = {id_: place for place, id_ in enumerate(dict.fromkeys(run.id for run in summary.runs))}

    def key(item: tuple[str, str]) -> tuple[int, int]:
        return themes[item[1]], ids[item[0]]

    return key


def _worst_first(entry: Entry) -> int:
    return rank(entry.verdict)
