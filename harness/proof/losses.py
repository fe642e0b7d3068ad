"""How many deliveries a run has lost, and how many it has stored more than once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.history import History
from harness.history.events import RequestEnded, RequestSent, RowsRead, StoredRow
from harness.vocabulary import ACKNOWLEDGED


@dataclass(frozen=True, slots=True)
class Losses:
    """Deliveries: acknowledged and not stored; stored more than once. None: nobody read what is stored."""

    lost: int | None
    doubled: int | None


def losses_of(history: History) -> Losses:
    """Count them as the checks of safety do: a reading of rows counts for what was acknowledged before it."""
    promised: set[str] = set()
    lost: set[str] = set()
    doubled: set[str] = set()
    read = False
    deliveries = {sent.request: sent.delivery for sent in history.of(RequestSent)}
    for entry in history.entries:
        if isinstance(entry.event, RequestEnded) and entry.event.outcome == ACKNOWLEDGED:
            promised.add(deliveries[entry.event.request])
        elif isinstance(entry.event, RowsRead):
            read = True
            lost |= promised - {row.id for row in entry.event.rows}
            doubled |= _doubled(entry.event.rows)
    return Losses(len(lost), len(doubled)) if read else Losses(None, None)


def _doubled(rows: Sequence[StoredRow]) -> set[str]:
    copies: dict[str, int] = {}
    for row in rows:
        copies[row.id] = copies.get(row.id, 0) + row.copies
    return {name for name, count in copies.items() if count > 1}
