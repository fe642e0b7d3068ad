"""One tried cell: its requests, the faults that struck, and the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.engine.rig import Rig
from harness.engine.workload.clients import Answer
from harness.search.recording.places import CellId
from harness.search.space.actions import is_apart
from harness.target import Delivery
from harness.vocabulary import ACKNOWLEDGED, NOT_STORED, REFUSED, THROTTLED


@dataclass(slots=True, kw_only=True)
class Trial:
    """The result of one cell before its rows are read.

    `struck`: how many of its faults struck. `hung_up`: how many clients hung up. `came_again`: for a pair, messages
    after the first fault that match the second apart from its count or phase. `apart`: why two copies did not overlap,
    although no fault prevented it. `more`: other deliveries at the same time or while the first answer was held back,
    and their answers.
    """

    cell: CellId
    rig: Rig
    answers: Sequence[Answer] = ()
    struck: int = 0
    hung_up: int = 0
    evidence: list[str] = field(default_factory=list)
    came_again: Sequence[str] = ()
    delivery: Delivery | None = None
    apart: str = ""
    more: Sequence[tuple[Delivery, Answer]] = ()

    @property
    def came_off(self) -> bool:
        """Whether it was the planned trial: a fault struck, and two copies overlapped unless the fault prevented it."""
        return self.struck > 0 and not self.apart

    @property
    def judged_apart(self) -> bool:
        """Whether its bytes were garbled, so that it fails no sweep."""
        return is_apart(self.cell.first) and self.struck > 0

    @property
    def owes_delivery(self) -> bool:
        """Whether its delivery must be retried after its rows were read, as its sender would do.

        Not if nothing saw it.
        """
        owed = any(_is_owed(answer) for answer in self.answers)
        return self.delivery is not None and self.cell.kind != "read" and owed

    @property
    def owes_more(self) -> Sequence[Delivery]:
        """The other requests that must be retried."""
        return [delivery for delivery, answer in self.more if _is_owed(answer)]

    @property
    def may_stand_in(self) -> bool:
        """Whether a retry also shows that the service is alive.

        The delivery was acknowledged, alone, and not garbled.
        """
        acknowledged = all(answer.outcome == ACKNOWLEDGED for answer in self.answers)
        return self.owes_delivery and acknowledged and not self.more and not is_apart(self.cell.first)


def _is_owed(answer: Answer) -> bool:
    """Whether the delivery may be stored, or its sender was told to send it again."""
    told = answer.outcome in REFUSED | THROTTLED and answer.status is not None
    return answer.outcome not in NOT_STORED or told


__all__ = ["Trial"]
