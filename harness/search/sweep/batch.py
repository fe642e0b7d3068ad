"""What is done for many cells at once: one query reads their rows, and what they delivered is sent again."""

from __future__ import annotations

from collections.abc import Sequence

from harness.history.events import Purpose, StoredRow, UnhandledLogged
from harness.search.sweep.cell_history import CellHistory
from harness.search.sweep.lane import Lane
from harness.search.sweep.trial import Trial, owes_delivery


async def send_again(lane: Lane, trials: Sequence[Trial]) -> None:
    """Send again what is owed still, once its rows were read: it would store what was lost."""
    for trial in trials:
        if trial.delivery is None or not lane.service.running:
            continue
        lane.history = trial.history
        if trial.cell.kind == "read":
            await lane.read(trial.delivery, Purpose.AGAIN, trial.history)
        elif owes_delivery(trial):
            await lane.deliver(trial.delivery, Purpose.AGAIN, trial.history)
        note_log(lane, trial.history)
    lane.history = None


async def read_rows(lane: Lane, histories: Sequence[CellHistory]) -> None:
    """Read what is stored of everything that these histories sent, once no statement is under way any more."""
    await lane.busy()
    stored = await lane.stored([delivery for history in histories for delivery in history.deliveries])
    by_id: dict[str, list[StoredRow]] = {}
    for row in stored:
        by_id.setdefault(row.id, []).append(row)
    for history in histories:
        history.rows([row for delivery in history.deliveries for row in by_id.get(delivery, ())])


def note_log(lane: Lane, history: CellHistory) -> None:
    """Take down what the service has logged of exceptions that nobody handled, since this was last asked."""
    expression = lane.unhandled
    for line in lane.new_log_lines():
        if expression.search(line):
            history.record("service", UnhandledLogged(line[:300]))


__all__ = ["note_log", "read_rows", "send_again"]
