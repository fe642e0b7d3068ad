"""Reads a `summary.json`: of this run, of an older one, or of another machine's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.checks import WORST_FIRST
from harness.documents import check_document, check_schema, read_json
from harness.results.folder import FILE
from harness.results.model import SCHEMA, RunRead, SummaryRead
from harness.results.naming import newest_run


def own_runs(summary: SummaryRead) -> Iterator[RunRead]:
    """The runs of the scenarios themselves, with everything on. If a scenario has several, the worst one."""
    found: dict[str, RunRead] = {}
    for run in summary.runs:
        if run.role == "scenario" and run.profile == summary.run.profile and not run.without:
            other = found.get(run.id)
            if other is None or _rank(run) < _rank(other):
                found[run.id] = run
    return iter(found.values())


def _rank(run: RunRead) -> int:
    return WORST_FIRST.index(run.verdict)


def multiple(time_ms: float | None, healthy_ms: float | None) -> float | None:
    """A time as a multiple of the same run's healthy answer."""
    return None if time_ms is None or not healthy_ms else time_ms / healthy_ms


def read_summary(given: Path, *, of_run: bool = True, place: str = "") -> SummaryRead:
    """Read a file, a run's folder, or the newest run in a folder of results. Raises UsageError.

    `of_run`: the newest may be one that `harness run` made. `place`: the beginning of an error, if not the path.
    """
    path = given
    if given.is_dir():
        path = given / FILE if (given / FILE).is_file() else newest_run(given, of_run=of_run)
    data = read_json(path, mend="name a run's folder, or its summary.json", place=place)
    return summary_from(data, place=place or str(path))


def summary_from(data: Mapping[str, Any], *, place: str) -> SummaryRead:
    """Read a summary that is JSON already. Raises UsageError."""
    mend = "name a summary.json that this version of the harness, or an older one, has written"
    check_schema(data, place=place, schema=SCHEMA, mend=mend)
    return check_document(SummaryRead, data, place=place, mend=mend)
