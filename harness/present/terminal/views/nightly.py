"""Shows which scenarios a gate left for the night, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.present.looks import DIM
from harness.present.terminal.pieces import Line
from harness.results.text import counted, one_line
from harness.scenario.scenario import Scenario


def nightly_lines(left_out: Sequence[Scenario]) -> Iterator[Line]:
    """Return a line with their number, and one for each; none if nothing was left out."""
    if not left_out:
        return
    yield [(f"left for the night: {counted(len(left_out), 'scenario')}; run with --nightly:", DIM)]
    for scenario in left_out:
        yield [(f"  {scenario.id}: {one_line(scenario.nightly)}", DIM)]
