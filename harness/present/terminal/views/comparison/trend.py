"""Shows past runs in sequence on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.compare.trend import Trend
from harness.present.looks import legend, look
from harness.results.model import SummaryRead
from harness.results.text import counted


def trend_lines(told: Sequence[Trend], found: Sequence[SummaryRead], left_out: Mapping[str, str]) -> Iterator[str]:
    """Return the verdicts of each scenario from old to new, and notes on what changed."""
    if not found:
        yield "there are no runs to compare"
        return
    span = f"{counted(len(found), 'run')}, {found[0].run.id} to {found[-1].run.id}"
    yield f"{span}; old to new: {legend()}"
    width = max((len(each.id) for each in told), default=0)
    for each in told:
        yield f"{each.id:{width}}  {''.join(look(point.verdict).mark for point in each.points)}"
    said = [sentence for each in told for sentence in each.said]
    yield from said or ["nothing got slower or flakier"]
    for name, reason in left_out.items():
        yield f"left out: {name}: {reason}"
