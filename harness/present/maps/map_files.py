"""Writes the maps of the fault space into a run's folder, for its report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.errors import UsageError
from harness.present.maps.fault_map import FaultMap, read_maps, write_maps
from harness.present.maps.mapping import sweep_maps
from harness.search.space.coverage import Subject


def leave_maps(run: Path, results: Path, subject: Subject, coverage: Sequence[FaultMap] = ()) -> Sequence[str]:
    """Write the coverage, if it is given, and the newest sweep of the same subject in the folder of results.

    Returns sentences on what could not be read or written. Raises nothing, because a map changes no verdict. Existing
    maps of the run that cannot be read stay as they are.
    """
    unread: list[str] = []
    try:
        known = coverage or [each for each in read_maps(run).maps if each.of == "coverage"]
        write_maps(run, [*known, *sweep_maps(results, subject, run, unread)], unread)
    except UsageError as problem:
        unread.append(problem.message)
    except Exception as problem:  # noqa: BLE001  # told, with its kind: a full disk, or a defect of the drawing
        unread.append(f"{run}: {type(problem).__name__}: {problem}")
    return unread
