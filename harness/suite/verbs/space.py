"""Records the fault space of a service, and compares it with the committed one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from harness.engine.laying.testbed import Testbed
from harness.search.recording.recording import Recording
from harness.search.space.coverage import coverage_of
from harness.search.space.space import changes, space_of
from harness.search.sweep.results import CellResult
from harness.search.sweep.sweeper import SweepSettings, sweeping
from harness.suite.verbs.coverage import Past, RecordedCoverage, SpaceFile
from harness.suite.verbs.search import Search


def record_coverage(search: Search, file: SpaceFile, past: Past) -> RecordedCoverage:
    """Record the service's deliveries, compare their fault space with the committed one, and write it if asked to."""
    with search.servers() as bed:
        recordings = asyncio.run(_recorded(bed, search))
    recorded = space_of(recordings, floor_percent=file.floor_percent)
    changed = changes(file.committed, recorded)
    if file.update:
        recorded.write(file.path)
    space = recorded if file.update else file.committed
    return RecordedCoverage(
        path=file.path, updated=file.update, changed=changed, coverage=coverage_of(space, past.hit(space)), past=past
    )


async def _recorded(bed: Testbed, search: Search) -> Sequence[Recording]:
    settings = SweepSettings(run=search.run, lanes=1, repro=str, told=_ignore)
    async with sweeping(bed, settings) as sweeper:
        search.progress("recording what a delivery puts on the wire")
        return await sweeper.record()


def _ignore(_: CellResult) -> None:
    """A recording sweeps no cells."""
