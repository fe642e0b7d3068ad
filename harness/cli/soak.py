"""`harness soak`: runs the same scenarios again and again, and says what varied."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from harness.checks import Verdict
from harness.cli.chosen import choose
from harness.cli.options import JOBS, OUTPUT, STACK, WHAT, WHERE, options, output_of, settings_of
from harness.cli.stage import perform
from harness.cli.starting import FirstRuns
from harness.present.looks import BOLD, DIM, DOUBT, GOOD, PLAIN
from harness.present.terminal.lines import Line
from harness.present.terminal.screen import Screen
from harness.results import RunResult
from harness.results.text import one_line
from harness.scenario.scenario import Scenario
from harness.suite import ExitStatus, Session


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--runs", type=click.IntRange(min=1), required=True, metavar="N", help="How often each scenario is run.")
@options(WHAT, (JOBS,), WHERE, STACK, OUTPUT)
def soak(ids: tuple[str, ...], *, runs: int, **given: Any) -> ExitStatus:
    """Run the whole selection N times, each time with another seed.

    With one job all rounds are on the same servers; with several, each round brings up servers of its own for each job.
    The first round has the seed that is given, the next one more. The exit status is the worst run's.
    """
    output, settings = output_of(given), settings_of(given)
    suite = choose(settings, ids)

    def play(session: Session, screen: Screen) -> None:
        first = FirstRuns(suite.target)

        def one(scenario: Scenario, seed: int, folder: Path) -> None:
            first.look_at(session.run(scenario, seed=seed, folder=folder))

        try:
            for number in range(runs):
                seed = settings.seed + number
                screen.write([(f"round {number + 1} of {runs}, seed {seed}", DIM)])
                folder = session.folder.path / f"round-{number + 1:03}"
                session.each(suite.chosen, functools.partial(one, seed=seed, folder=folder))
        finally:
            screen.write_all(soak_lines(session.results))

    return perform(settings, suite.target, suite.chosen, output, play, listed=dict(suite.listed))


def soak_lines(results: Sequence[RunResult]) -> Iterator[Line]:
    """For each scenario its verdicts, and what was not the same in all of its runs."""
    by_id: dict[str, list[RunResult]] = {}
    for result in results:
        by_id.setdefault(result.key.id, []).append(result)
    for name, runs in by_id.items():
        verdicts = [run.verdict for run in runs]
        counts = ", ".join(f"{verdicts.count(each)} {each.value}" for each in Verdict if each in verdicts)
        style = GOOD if set(verdicts) == {Verdict.HELD} else DOUBT
        yield [(f"{counts:{16}}  ", style), (name, BOLD), (f"  {_spread(runs)}", PLAIN)]
        if len(set(verdicts)) > 1:
            for run in runs:
                if run.verdict is not Verdict.HELD:
                    yield [(f"    varied: seed {run.seed} {run.verdict}: {one_line(run.reason)}", DOUBT)]


def _spread(runs: Sequence[RunResult]) -> str:
    """Smallest and largest of what is timed."""
    spans: dict[str, list[float]] = {"duration_s": [run.duration_s for run in runs]}
    for run in runs:
        for name, figure in run.figures.items():
            if name.endswith("_ms"):
                spans.setdefault(name, []).append(figure)
    return ", ".join(f"{name} {min(values):.4g} to {max(values):.4g}" for name, values in spans.items())
