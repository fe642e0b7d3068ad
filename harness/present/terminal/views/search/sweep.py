"""Shows a sweep on a terminal: cells that did not hold, the map, the counts and the speed."""

from __future__ import annotations

from collections.abc import Iterator

from harness.present.looks import BOLD, DIM, DOUBT, PLAIN, look
from harness.present.terminal.causes import sweep_cause_lines
from harness.present.terminal.pieces import Line
from harness.present.terminal.screen import Screen
from harness.present.terminal.views.search.sweep_map import map_lines
from harness.results.text import counted, one_line
from harness.search.sweep.report import HTML_FILE, judged_a_second
from harness.search.sweep.results import CellResult, CellVerdict, LaneProblem, SweepResults

SHOWN_MAX = 20
"""How many cells that did not hold are shown at once. The map and the files have all."""


class CellsOnScreen:
    """Shows the first cells that did not hold, as they are judged."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._shown = 0

    def __call__(self, result: CellResult) -> None:
        """Take one cell in."""
        if result.verdict in (CellVerdict.FAILED, CellVerdict.INCONCLUSIVE) and self._shown < SHOWN_MAX:
            self._shown += 1
            self._screen.write_all(cell_lines(result))


def cell_lines(result: CellResult) -> Iterator[Line]:
    """Return the lines on a cell that did not hold."""
    looks = look(result.verdict)
    yield [(f"{looks.letter} {result.verdict:13}", looks.style), (one_line(str(result.cell)), BOLD)]
    yield [("    why    ", DIM), (one_line(result.reason), looks.style)]
    for seen in result.evidence:
        yield [("    seen   ", DIM), (one_line(seen), PLAIN)]
    yield [("    answer ", DIM), (one_line(result.answer), PLAIN)]
    yield [("    repro", DIM)]
    yield [(result.repro, BOLD)]


def sweep_lines(results: SweepResults, folder: str) -> Iterator[Line]:
    """Return the map, the counts, the speed, and the path of the results."""
    yield from sweep_cause_lines(results)
    yield from map_lines(results)
    for problem in results.problems:
        yield _problem_line(problem)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in results.counts.items() if count)
    speed = f" in {results.sweeping_s:.1f} s: {judged_a_second(results):g} a second"
    yield [(counts or "nothing ran", BOLD), (speed, PLAIN)]
    for sentence in results.left_out:
        yield [(f"left out: {sentence}", DIM)]
    if results.untried:
        yield [(f"incomplete: {counted(results.untried, 'cell')} of {results.planned} not tried", DOUBT)]
    yield [(f"results: {folder}/{HTML_FILE}", PLAIN)]


def _problem_line(problem: LaneProblem) -> Line:
    """Return one line on a problem of a whole lane."""
    looks = look(problem.verdict)
    return [(f"{looks.letter} lane {problem.lane}: {one_line(problem.told)}", looks.style)]
