"""Work done once for many cells: one query reads their rows, then their deliveries are retried."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine.observing.servers.stored import stored_rows
from harness.engine.observing.service.service_log import record_unhandled
from harness.engine.phases.rest import wait_until_idle
from harness.engine.rig import Rig
from harness.history.events import Purpose, RequestSent, RowsRead, StoredRow
from harness.search.sweep.cells.trial import Trial
from harness.search.sweep.lane import Lane


async def send_again(lane: Lane, trials: Sequence[Trial]) -> None:
    """Send again what these cells delivered.

    Call this only after their rows were read: sending a lost delivery again would store it and hide the loss.
    """
    for trial in trials:
        if trial.delivery is None or not lane.service.running:
            continue
        lane.go_on_with(trial.rig)
        reads = trial.cell.kind == "read"
        if reads or trial.owes_delivery:
            await lane.deliver(trial.rig, trial.delivery, Purpose.AGAIN, reads=reads)
        for delivery in trial.owes_more:
            await lane.deliver(trial.rig, delivery, Purpose.AGAIN)
        record_log(lane, trial.rig)
    lane.go_on_with(None)


async def read_rows(rigs: Sequence[Rig]) -> None:
    """Wait until no statement is under way, then record the stored rows of everything that these histories sent."""
    if not rigs:
        return
    await wait_until_idle(rigs[0])  # all are of one service
    ids = {rig.recorder: _sent(rig) for rig in rigs}
    stored = await stored_rows(rigs[0], [delivery for each in ids.values() for delivery in each])
    by_id: dict[str, list[StoredRow]] = {}
    for row in stored:
        by_id.setdefault(row.id, []).append(row)
    for recorder, sent in ids.items():
        recorder.record("runner", RowsRead(tuple(row for delivery in sent for row in by_id.get(delivery, ()))))


def _sent(rig: Rig) -> Sequence[str]:
    sent = rig.recorder.history.of(RequestSent)
    return list(dict.fromkeys(request.delivery for request in sent if not request.reads))


def record_log(lane: Lane, rig: Rig) -> None:
    """Record the unhandled exceptions that the service has logged since the last call."""
    record_unhandled(rig, lane.new_log_lines())


__all__ = ["read_rows", "record_log", "send_again", "stored_rows"]
