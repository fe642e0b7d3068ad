"""Shows which nightly scenarios a gate or a soak left out, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.present.looks import DIM
from harness.present.terminal.pieces import Line
from harness.results.text import counted, listed, one_line
from harness.scenario.scenario import Scenario

NAMED = 2
"""How many scenarios with one reason are named. `gate --nightly` names all when it runs them."""


def nightly_lines(left_out: Sequence[Scenario], mend: str = "run with --nightly") -> Iterator[Line]:
    """Return a line with their number, and one for each reason; none if nothing was left out."""
    if not left_out:
        return
    yield [(f"left for the night: {counted(len(left_out), 'scenario')}; {mend}:", DIM)]
    by_reason: dict[str, list[str]] = {}
    for scenario in left_out:
        by_reason.setdefault(one_line(scenario.nightly), []).append(scenario.id)
    for reason, ids in by_reason.items():
        yield [(f"  {listed(ids, NAMED)}: {reason}", DIM)]
