"""`harness baseline accept`: makes a good run the record that later runs are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from harness.cli.chosen import choose
from harness.cli.options import BASELINE, SUITE, options
from harness.compare.accepting import Ground, check_acceptable
from harness.compare.baseline import Baseline, accepted, read_baseline, write_baseline
from harness.compare.record import record_of
from harness.proof.sources import digests
from harness.results.naming import newest_run, run_named
from harness.results.reading import read_summary
from harness.results.revision import revision_of, uncommitted
from harness.results.text import counted
from harness.suite import ExitStatus, SuiteSettings
from harness.suite.chosen import Chosen
from harness.suite.verbs.baseline import baseline_file


@click.group()
def baseline() -> None:
    """The committed record of a good run, which the gate compares with."""


@baseline.command()
@click.argument("run", type=click.Path(path_type=Path), required=False)
@options((BASELINE,), SUITE)
def accept(run: Path | None, *, baseline: Path | None, **given: Any) -> ExitStatus:
    """Make RUN the baseline: a run's folder or name, by default the newest one that `harness run` did not make.

    It must be whole (every scenario and every proof, as `harness ablate` runs them), good (exit status
    0), and of the commit that is checked out, with nothing uncommitted.
    """
    settings = SuiteSettings(scenarios=given["scenarios"], target=given["target"], results=given["results"])
    suite = choose(settings, ())
    path = baseline_file(suite, baseline)
    target = suite.target.description.name
    old = read_baseline(path, target=target)  # a corrupt or foreign one ends it here, and stays as it is
    place = newest_run(settings.results, of_run=False) if run is None else run_named(run, settings.results)
    summary = read_summary(place)
    record = record_of(summary, digests(suite.scenarios, settings.scenarios))
    check_acceptable(summary, record, _ground(suite), place=str(place))
    new = accepted(record, old, target=target, profile=suite.profile)
    write_baseline(path, new)
    for line in _told(old, new, path):
        click.echo(line)
    return ExitStatus.HELD


def _ground(suite: Chosen) -> Ground:
    return Ground(
        target_file=str(suite.settings.target_file),
        profile=suite.profile,
        titles=suite.titles,
        revision=revision_of(suite.settings.scenarios, suite.settings.results),
        uncommitted=uncommitted(suite.settings.scenarios, suite.settings.results),
    )


def _told(old: Baseline | None, new: Baseline, path: Path) -> Iterator[str]:
    counts = f"{counted(len(new.scenarios), 'scenario')}, {counted(len(new.protections), 'protection')}"
    yield f"{path}: {counts}"
    if old is None:
        yield "new: commit it"
        return
    names = old.scenarios.keys() | new.scenarios.keys()
    for name in sorted(names):
        before, now = old.scenarios.get(name), new.scenarios.get(name)
        if before != now:
            yield f"  {'new' if before is None else 'gone' if now is None else 'changed'}: {name}"
    for name in sorted(old.protections.keys() ^ new.protections.keys()):
        yield f"  {'proved' if name in new.protections else 'no longer proved'}: {name}"
    yield "commit it" if old != new else "nothing has changed"
