"""How many deliveries a run has lost, and how many it has stored more than once."""

from __future__ import annotations

from dataclasses import dataclass

from harness.checks.safety import doubled_deliveries, lost_deliveries
from harness.history import History
from harness.history.events import RowsRead


@dataclass(frozen=True, slots=True)
class Losses:
    """Deliveries: acknowledged and not stored; stored more than once. None: nobody read what is stored."""

    lost: int | None
    doubled: int | None


def losses_of(history: History) -> Losses:
    """Count what the checks of safety find."""
    if history.last(RowsRead) is None:
        return Losses(None, None)
    return Losses(len(lost_deliveries(history)), len(doubled_deliveries(history)))
