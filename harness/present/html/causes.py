"""The findings of a run: what failed, grouped by its cause."""

from __future__ import annotations

from collections.abc import Sequence

from harness.results.cause import Found, by_cause
from harness.results.model import RunRead, SummaryRead

RunPlace = tuple[int, RunRead]
"""A run, and its place in the summary."""


def findings_of(summary: SummaryRead) -> Sequence[Found[RunPlace]]:
    """Each cause with the runs that failed by it, those with the most runs first."""
    own = [(place, run) for place, run in enumerate(summary.runs) if run.role == "scenario"]
    return by_cause([(cause, (place, run)) for place, run in own if (cause := run.failed_by) is not None])
