"""`harness trend`: what got slower or flakier over past runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from harness.checks import Verdict
from harness.compare.trend import Trend, of_one_kind, trends, trends_json
from harness.errors import UsageError
from harness.results.naming import run_named, summaries_in
from harness.results.reading import SummaryRead, read_summary
from harness.results.text import counted
from harness.suite import ExitStatus
from harness.suite.settings import RESULTS

LETTERS: Mapping[Verdict, str] = {
    Verdict.HELD: "+", Verdict.FAILED: "x", Verdict.INCONCLUSIVE: "?", Verdict.UNAVAILABLE: "-",
}  # fmt: skip


@click.command()
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path), metavar="[RUN]...")
@click.option("--results", type=click.Path(path_type=Path), default=RESULTS, show_default=True, metavar="DIR",
              help="The folder of runs.")  # fmt: skip
@click.option("--last", type=click.IntRange(min=2), metavar="N", help="Only the newest N runs.")
@click.option("--json", "as_json", is_flag=True, help="All of it as JSON.")
def trend(runs: tuple[Path, ...], *, results: Path, last: int | None, as_json: bool) -> ExitStatus:
    """Compare past runs: RUNs are their folders, names or summary files; without any, those that are kept.

    Runs of one target and its default profile are compared; none that `harness run` made, unless it is named.

    Exit status 0, and 5 where there is no run.
    """
    left_out: dict[str, str] = {}
    found = [read_summary(run_named(run, results)) for run in runs] if runs else _kept(results, left_out)
    found = of_one_kind(sorted(found, key=lambda each: each.run.started_at), left_out)[-(last or 0) :]
    told = trends(found)
    if as_json:
        click.echo(json.dumps(trends_json(told, left_out), indent=1))
    else:
        for line in trend_lines(told, found, left_out):
            click.echo(line)
    return ExitStatus.HELD if found else ExitStatus.NOTHING_RAN


def _kept(results: Path, left_out: dict[str, str]) -> list[SummaryRead]:
    """All runs in the folder that can be read, but those of `harness run`; what cannot be read is told."""
    if not results.is_dir():
        raise UsageError.at("--results", "folder", str(results), "there is no such folder", mend="run a gate first")
    found: list[SummaryRead] = []
    for path in summaries_in(results):
        try:
            found.append(read_summary(path))
        except UsageError as problem:
            left_out[path.parent.name] = problem.message
    return [each for each in found if not each.quick]


def trend_lines(told: Sequence[Trend], found: Sequence[SummaryRead], left_out: Mapping[str, str]) -> Iterator[str]:
    """The verdicts of each scenario from old to new, then what there is to say."""
    if not found:
        yield "there are no runs to compare"
        return
    span = f"{counted(len(found), 'run')}, {found[0].run.id} to {found[-1].run.id}"
    yield f"{span}; old to new: + held, x failed, ? inconclusive"
    width = max((len(each.id) for each in told), default=0)
    for each in told:
        yield f"{each.id:{width}}  {''.join(LETTERS[point.verdict] for point in each.points)}"
    said = [sentence for each in told for sentence in each.said]
    yield from said or ["nothing got slower or flakier"]
    for name, reason in left_out.items():
        yield f"left out: {name}: {reason}"
