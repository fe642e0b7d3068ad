"""What no cell can be judged by alone: a lane at its end, with everything that it has stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import httpx

from harness.checks import condition
from harness.engine.observing.probes import Probed
from harness.engine.phases import TASKS_SLACK
from harness.errors import HarnessError
from harness.history import Entry, History
from harness.history.events import AtRest, Event, StoredRow
from harness.search.sweep.lane import Lane
from harness.search.sweep.results import CellVerdict, LaneProblem
from harness.stack.http import service_client

PROBED_WITHIN_S = 5.0
SHOWN = 3


async def probe(lane: Lane) -> Probed | None:
    """Read the service's own metrics, where it offers them and lives."""
    probes = lane.bed.target.description.probes
    if probes is None or not lane.service.running:
        return None
    async with service_client(base_url=lane.service.base_url, timeout=PROBED_WITHIN_S) as client:
        try:
            return Probed.parse((await client.get(probes.metrics)).text)
        except httpx.HTTPError as problem:
            raise HarnessError(f"the service's {probes.metrics} cannot be read: {problem!r}") from problem


async def problems_at_rest(lane: Lane, before: Probed | None) -> Sequence[LaneProblem]:
    """Look at a lane that is done: rows that nobody sent, what is left open, checked out or running."""
    events = [*await _sessions(lane), *_own(lane, before, await probe(lane))]
    return [*_rows(lane, await lane.stored()), *_rest(lane, events)]


def _rows(lane: Lane, stored: Sequence[StoredRow]) -> Iterator[LaneProblem]:
    foreign = [row.id for row in stored if lane.sent.get(row.id) != row.digest]
    doubled = [row.id for row in stored if row.copies > 1]
    for ids, what, check in (
        (foreign, "stored, but never sent like this", "nothing_foreign"),
        (doubled, "stored more than once", "stored_once"),
    ):
        if ids:
            reason = f"{check}: {what}: {', '.join(ids[:SHOWN])} ({len(ids)} in all)"
            yield LaneProblem(lane=lane.number, verdict=CellVerdict.FAILED, reason=reason, failing=(check,))


async def _sessions(lane: Lane) -> list[Event]:
    busy = await lane.busy()
    limit = lane.bed.target.description.limits.connections
    return [
        AtRest("connections", await lane.sessions(), limit, "database"),
        AtRest("busy connections", busy, 0, "database"),
    ]


def _own(lane: Lane, before: Probed | None, after: Probed | None) -> Iterator[Event]:
    probes = lane.bed.target.description.probes
    if probes is None or before is None or after is None:
        return
    room: Mapping[str, tuple[str | None, float]] = {
        "checked_out": (probes.checked_out, 0),
        "tasks": (probes.tasks, TASKS_SLACK),
        "descriptors": (probes.descriptors, lane.bed.target.description.limits.descriptors_growth),
    }
    for what, (metric, slack) in room.items():
        if metric is not None:
            allowed = slack if what == "checked_out" else before.get(metric) + slack
            yield AtRest(what, after.get(metric), allowed)


def _rest(lane: Lane, events: Sequence[Event]) -> Iterator[LaneProblem]:
    history = History([Entry(number, 0, "runner", event) for number, event in enumerate(events)])
    for check in (condition.pool_returns, condition.no_leaks):
        result = check(history)
        if result.failed:
            reason = f"{result.name}: {result.reason}"
            yield LaneProblem(lane=lane.number, verdict=CellVerdict.FAILED, reason=reason, failing=(result.name,))


__all__ = ["probe", "problems_at_rest"]
