"""Shows on a terminal what varied over the rounds of a soak."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.checks import Verdict
from harness.present.looks import BOLD, DOUBT, PLAIN, look
from harness.present.terminal.pieces import Line, by_style
from harness.results import RunResult
from harness.results.text import one_line


def soak_lines(results: Sequence[RunResult]) -> Iterator[Line]:
    """Return, for each scenario, its verdicts and what differed between its runs."""
    by_id: dict[str, list[RunResult]] = {}
    for result in results:
        by_id.setdefault(result.key.id, []).append(result)
    for name, runs in by_id.items():
        verdicts = [run.verdict for run in runs]
        counts = ", ".join(f"{verdicts.count(each)} {each.value}" for each in Verdict if each in verdicts)
        style = look("held" if set(verdicts) == {Verdict.HELD} else "inconclusive").style
        yield by_style((f"{counts:{16}}  ", style), (name, BOLD), (f"  {_spread(runs)}", PLAIN))
        if len(set(verdicts)) > 1:
            for run in runs:
                if run.verdict is not Verdict.HELD:
                    yield [(f"    varied: seed {run.seed} {run.verdict}: {one_line(run.reason)}", DOUBT)]


def _spread(runs: Sequence[RunResult]) -> str:
    """Return the smallest and the largest of each time."""
    spans: dict[str, list[float]] = {"duration_s": [run.duration_s for run in runs]}
    for run in runs:
        for name, figure in run.figures.items():
            if name.endswith("_ms"):
                spans.setdefault(name, []).append(figure)
    return ", ".join(f"{name} {min(values):.4g} to {max(values):.4g}" for name, values in spans.items())
