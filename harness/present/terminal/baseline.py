"""What has become worse than in the baseline, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from harness.compare.differences import Kind
from harness.present.looks import BAD, BOLD, DIM, look
from harness.present.terminal.pieces import Line
from harness.results.text import counted, one_line
from harness.suite.verbs.baseline import Compared


def baseline_lines(compared: Compared) -> Iterator[Line]:
    """What has become worse, one line each; else that nothing has."""
    if compared.differences:
        yield [(f"worse than {compared.file}: {counted(len(compared.differences), 'difference')}", BAD)]
    else:
        yield [(f"nothing is worse than {compared.file}", DIM)]
    for each in compared.differences:
        looks = look("inconclusive" if each.kind is Kind.INCONCLUSIVE else "failed")
        yield [(f"x {each.kind.value:18} ", looks.style), (one_line(each.sentence), "")]
    if compared.new:
        names = ", ".join(compared.new)
        yield [("not in the baseline yet: ", DIM), (names, BOLD), (" (accept a run that has them)", DIM)]
