"""Checks a whole lane at its end: everything that it has stored, and everything that it has left open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.checks import STANDING, Kind
from harness.engine.observing.probes import Probed
from harness.engine.observing.stored import stored_rows
from harness.engine.phases.rest import record_rest
from harness.history import History
from harness.history.events import StoredRow
from harness.search.sweep.lane import Lane
from harness.search.sweep.results import CellVerdict, LaneProblem

SHOWN = 3


async def problems_at_rest(lane: Lane, before: Probed | None) -> Sequence[LaneProblem]:
    """Check a lane that has ended for foreign and doubled rows, open connections and running tasks.

    `before`: the service's metrics before the first cell.
    """
    rig = lane.new_rig()
    lane.go_on_with(None)
    await record_rest(rig, before)
    return [*_rows(lane, await stored_rows(rig)), *_rest(lane, rig.recorder.history)]


def _rows(lane: Lane, stored: Sequence[StoredRow]) -> Iterator[LaneProblem]:
    sent = lane.ever_sent
    foreign = [row.id for row in stored if row.id not in sent or sent[row.id].digest != row.digest]
    doubled = [row.id for row in stored if row.copies > 1]
    for ids, what, check in (
        (foreign, "stored, but never sent like this", "nothing_foreign"),
        (doubled, "stored more than once", "stored_once"),
    ):
        if ids:
            reason = f"{check}: {what}: {', '.join(ids[:SHOWN])} ({len(ids)} in all)"
            yield LaneProblem(lane=lane.number, verdict=CellVerdict.FAILED, reason=reason, failing=(check,))


def _rest(lane: Lane, history: History) -> Iterator[LaneProblem]:
    for check in (each for each in STANDING if each.kind is Kind.REST):
        result = check(history)
        if result.failed:
            reason = f"{result.name}: {result.reason}"
            yield LaneProblem(lane=lane.number, verdict=CellVerdict.FAILED, reason=reason, failing=(result.name,))


__all__ = ["problems_at_rest"]
