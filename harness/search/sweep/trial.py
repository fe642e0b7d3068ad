"""One tried cell: what was sent, which faults struck, and what was answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.engine.rig import Rig
from harness.engine.workload import Answer
from harness.search.recording.places import CellId
from harness.search.space.actions import is_apart
from harness.target import Delivery
from harness.vocabulary import ACKNOWLEDGED, REFUSED


@dataclass(slots=True, kw_only=True)
class Trial:
    """The result of one cell before its rows are read.

    `struck`: how many of its faults struck. `came_again`: of a pair, messages after the first fault that match the
    second apart from its count or phase.
    """

    cell: CellId
    rig: Rig
    answers: Sequence[Answer] = ()
    struck: int = 0
    evidence: list[str] = field(default_factory=list)
    came_again: Sequence[str] = ()
    delivery: Delivery | None = None

    @property
    def owes_delivery(self) -> bool:
        """Whether its delivery must be retried once its rows were read: unless all its requests were refused."""
        refused = all(answer.outcome == REFUSED for answer in self.answers)
        return self.delivery is not None and self.cell.kind != "read" and not refused

    @property
    def may_stand_in(self) -> bool:
        """Whether sending it again also shows that the service is alive: it was acknowledged and not garbled."""
        acknowledged = all(answer.outcome == ACKNOWLEDGED for answer in self.answers)
        return self.owes_delivery and acknowledged and not is_apart(self.cell.first)


__all__ = ["Trial"]
