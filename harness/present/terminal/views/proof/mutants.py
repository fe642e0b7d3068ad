"""Shows the results of mutants on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.present.looks import BOLD
from harness.present.terminal.lines import verdict_line
from harness.present.terminal.pieces import Line
from harness.proof.mutant_results import MutantResult, counted


def mutant_lines(result: MutantResult) -> Iterator[Line]:
    """Return a line per mutant: its verdict, its file, which scenario noticed it and how, or why none did."""
    by = f"{result.mutant.scenario}: " if result.mutant.scenario else ""
    yield verdict_line(result.verdict, result.mutant.id, f"{result.mutant.file}  {by}{result.reason}")


def mutant_counts_line(results: Sequence[MutantResult]) -> Line:
    """How many there are of each verdict."""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in counted(results).items()) or "none"
    return [("mutants: ", ""), (counts, BOLD)]
