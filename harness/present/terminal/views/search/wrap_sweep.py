"""Shows a sweep over a command: each break that changed its result, what was found, and what was left out."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks import Verdict
from harness.present.looks import BOLD, DIM, PLAIN
from harness.present.terminal.causes import found_lines
from harness.present.terminal.lines import verdict_line
from harness.present.terminal.pieces import Line, indented
from harness.results.cause import Found
from harness.results.text import counted, one_line
from harness.wrap.sweep.results import HTML_FILE, CellResult, SweepFound, findings


def cell_lines(result: CellResult) -> Iterator[Line]:
    """One line for a break, and the story if it changed the result or had no effect."""
    yield verdict_line(result.verdict.value, str(result.cell), f"{result.took_s:.1f} s")
    if result.verdict is Verdict.HELD:
        return
    yield _told("break", result.cell.words)
    yield _told("why", result.reason)
    for seen in result.evidence:
        yield _told("seen", seen)


def _told(label: str, text: str) -> Line:
    return indented((f"  {label:<6} ", DIM), (one_line(text), PLAIN))


def sweep_lines(found: SweepFound, folder: str, repro: str) -> Iterator[Line]:
    """The findings by cause, the counts, and what was left out. `repro`: repeats one break, with `{id}` for its id."""
    failed = [Found(each.cause, [str(result.cell) for result in each.places]) for each in findings(found)]
    yield from found_lines(failed)
    counts = ", ".join(f"{count} {verdict.value}" for verdict, count in found.counts.items())
    tests = "" if found.tests is None else f" ({counted(found.tests, 'test')})"
    yield [(f"{len(found.cells)} of {counted(found.planned, 'break')} tried{tests}: {counts}", BOLD)]
    for sentence in found.left_out:
        yield [(f"left out: {one_line(sentence)}", DIM)]
    if failed:
        yield [("again: ", DIM), (repro.replace("{id}", failed[0].places[0]), PLAIN)]
    yield [(f"results: {folder}/{HTML_FILE}", PLAIN)]
