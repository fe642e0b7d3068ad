"""Shows what failed by its causes: many places may be one finding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.checks import Verdict
from harness.present.looks import BOLD, DIM, PLAIN, look
from harness.present.terminal.pieces import Line, indented
from harness.results.ablation import WRONG
from harness.results.cause import Cause, Found, by_cause, cause_of
from harness.results.summary import Summary
from harness.results.text import counted
from harness.search.sweep.results import SweepResults

PLACES_SHOWN = 8
"""How many places of one finding are shown. The report has all."""


def cause_lines(summary: Summary) -> Iterator[Line]:
    """Return how many findings there are in how many places, and each with its places; nothing for a single failure.

    Inconclusive scenarios are listed below, then proofs that prove nothing.
    """
    own = [result for result in summary.results if result.role == "scenario"]
    yield from finding_lines([(cause, result.key.id) for result in own if (cause := cause_of(result)) is not None])
    doubtful = [result.key.id for result in own if result.verdict is Verdict.INCONCLUSIVE]
    if len(doubtful) > 1:
        looks = look(Verdict.INCONCLUSIVE)
        yield [(f"{looks.mark} inconclusive: {counted(len(doubtful), 'place')}", looks.style)]
        yield from _places(doubtful)
    wrong = [f"{proof.name}: {proof.judgement.verdict}" for proof in summary.proofs if proof.judgement.verdict in WRONG]
    if len(wrong) > 1:
        looks = look("failed")
        yield [(f"{looks.mark} not proved: {counted(len(wrong), 'proof')}", looks.style)]
        yield from _places(wrong)


def sweep_cause_lines(results: SweepResults) -> Iterator[Line]:
    """The same of a sweep's cells."""
    yield from finding_lines([(cell.cause, str(cell.cell)) for cell in results.cells if cell.cause is not None])


def finding_lines(causes: Sequence[tuple[Cause, str]]) -> Iterator[Line]:
    """Return how many findings there are, and each with its places; nothing for a single failure."""
    yield from found_lines(by_cause(causes))


def found_lines(found: Sequence[Found[str]]) -> Iterator[Line]:
    """The same of failures that are grouped already, in this order."""
    places = sum(len(each.places) for each in found)
    if places < 2:  # a single failure was printed in full when it happened
        return
    yield [(f"{counted(len(found), 'finding')} in {counted(places, 'place')}", BOLD)]
    for each in found:
        yield from _finding(each)


def _finding(found: Found[str]) -> Iterator[Line]:
    looks = look("failed")
    yield indented((f"{looks.mark} ", looks.style), (f"{found.cause}: {counted(len(found.places), 'place')}", PLAIN))
    yield from _places(found.places)


def _places(places: Sequence[str]) -> Iterator[Line]:
    for place in places[:PLACES_SHOWN]:
        yield [(f"    {place}", DIM)]
    more = len(places) - PLACES_SHOWN
    if more > 0:
        yield [(f"    and {more} more", DIM)]
