"""Checks a whole lane at its end: everything that it has stored, and everything that it has left open."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from harness.checks import STANDING, Check, Kind
from harness.checks.standing.self_reports.disclosure import keeps_secrets
from harness.engine.observing.servers.stored import stored_rows
from harness.engine.observing.service.secrets import record_secrets
from harness.engine.phases.rest import record_rest, rest_names
from harness.history import History
from harness.history.events import AtRest, StoredRow
from harness.search.sweep.growth import Growth
from harness.search.sweep.lane import Lane
from harness.search.sweep.results import CellVerdict, LaneProblem
from harness.target import Delivery

SHOWN = 3


async def problems_at_rest(lane: Lane, growth: Growth, garbled: Collection[Delivery]) -> Sequence[LaneProblem]:
    """Check a lane that has ended for foreign and doubled rows, open connections and running tasks.

    `growth`: knows what the service held between the cells, and finds the cell after which it keeps something.
    `garbled`: deliveries whose bytes a fault has garbled: their own cells judge their rows, apart from the others.
    """
    rig = lane.new_rig()
    lane.go_on_with(None)
    await record_rest(rig, growth.before)
    await record_secrets(rig)
    rows = [row for row in await stored_rows(rig) if not _may_be_of(row, garbled)]
    history = rig.recorder.history
    kept = [
        await _since(growth, check, history) for check in STANDING if check.kind is Kind.REST or check is keeps_secrets
    ]
    return [*_rows(lane, rows), *filter(None, kept), *_not_looked_at(lane, history)]


async def _since(growth: Growth, check: Check, history: History) -> LaneProblem | None:
    """Judge what is left at rest, and name the cell that caused it, if one did."""
    result = check(history)
    if not result.failed:
        return None
    over = [entry.event for entry in history.entries_of(AtRest) if check(History([entry])).failed]
    names = [rest.name for rest in over if isinstance(rest, AtRest)]
    return LaneProblem(
        lane=growth.lane.number, verdict=CellVerdict.FAILED, reason=f"{result.name}: {result.reason}",
        failing=(result.name,), cell=await growth.cell_of(names[0]) if names else None,
    )  # fmt: skip


def _may_be_of(row: StoredRow, garbled: Collection[Delivery]) -> bool:
    """Whether a row may belong to a garbled delivery: by its id, or by its digest if the id was garbled."""
    return any(row.id == delivery.id or row.digest == delivery.digest for delivery in garbled)


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


def _not_looked_at(lane: Lane, history: History) -> Iterator[LaneProblem]:
    seen = {rest.name for rest in history.of(AtRest)}
    missing = [name for name in rest_names(lane.bed.target) if name not in seen]
    if missing:
        reason = f"never checked at rest: {', '.join(missing)}"
        yield LaneProblem(lane=lane.number, verdict=CellVerdict.INCONCLUSIVE, reason=reason)


__all__ = ["problems_at_rest"]
