"""Counts the deliveries that a run has lost, and those that it has stored several times."""

from __future__ import annotations

from dataclasses import dataclass

from harness.checks.standing.safety import doubled_deliveries, lost_deliveries
from harness.history import History
from harness.history.events import RowsRead


@dataclass(frozen=True, slots=True)
class Losses:
    """Numbers of deliveries: acknowledged and not stored; stored more than once. None: rows were not read."""

    lost: int | None
    doubled: int | None


def losses_of(history: History) -> Losses:
    """Count what the safety checks have found."""
    if history.last(RowsRead) is None:
        return Losses(None, None)
    return Losses(len(lost_deliveries(history)), len(doubled_deliveries(history)))
