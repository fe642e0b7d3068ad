"""Leaves the maps of the fault space beside a run, for its report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.results.maps import FaultMap, read_maps, write_maps
from harness.search.coverage import Subject
from harness.search.maps import sweep_maps


def leave_maps(run: Path, results: Path, subject: Subject, coverage: Sequence[FaultMap] = ()) -> None:
    """Write what was covered, if that is given anew, and the newest sweep of the same in the folder of results.

    Raises UsageError for a file of a sweep, or of maps, that cannot be read.
    """
    known = coverage or [each for each in read_maps(run) if each.of == "coverage"]
    write_maps(run, [*known, *sweep_maps(results, subject, run)])
