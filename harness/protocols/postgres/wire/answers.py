"""Knows which answer PostgreSQL sends next, and to which message."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from harness.protocols.contract.message import Phase

__all__ = ["DueAnswers", "Step"]

COPY_ENDED: Final = "copy ended"  # marks where CopyDone or CopyFail stands among the messages; nothing answers it
BOUNDARIES: Final = frozenset({"Sync", "Query", "FunctionCall"})  # ReadyForQuery answers these

# For each answer: the messages that it can answer, and whether it is the last answer to them.
FITS: Final[Mapping[str, Mapping[str, bool]]] = {
    "ParseComplete": {"Parse": True},
    "BindComplete": {"Bind": True},
    "CloseComplete": {"Close": True},
    "ParameterDescription": {"Describe": False},
    "NoData": {"Describe": True},
    "RowDescription": {"Describe": True, "Query": False},
    "DataRow": {"Execute": False, "Query": False},
    "CommandComplete": {"Execute": True, "Query": False},
    "EmptyQueryResponse": {"Execute": True, "Query": False},
    "PortalSuspended": {"Execute": True},
    "CopyInResponse": {"Execute": False, "Query": False},
    "CopyOutResponse": {"Execute": False, "Query": False},
    "CopyBothResponse": {"Execute": False, "Query": False},
    "CopyData": {"Execute": False, "Query": False},
    "CopyDone": {"Execute": False, "Query": False},
    "FunctionCallResponse": {"FunctionCall": False},
    "ReadyForQuery": {"Sync": True, "Query": True, "FunctionCall": True},
}


@dataclass(slots=True)
class Step:
    """One sent message that will be answered."""

    name: str
    offset: int
    exchange: int
    text: str
    values: tuple[bytes, ...]
    phase: Phase
    takes_copy: bool = False  # the server reads its CopyData now


class DueAnswers:
    """The sent messages that are not answered yet, in order."""

    __slots__ = ("_steps", "skipping")

    def __init__(self) -> None:
        self._steps: deque[Step] = deque()
        self.skipping = False  # after an error: the server skips everything before the next Sync

    @property
    def next(self) -> Step | None:
        """The message that is being answered."""
        return self._steps[0] if self._steps else None

    @property
    def last(self) -> Step | None:
        """The message that was sent last."""
        return self._steps[-1] if self._steps else None

    @property
    def copying(self) -> Step | None:
        """The COPY whose data the server is reading."""
        return self._steps[0] if self._steps and self._steps[0].takes_copy else None

    def add(self, step: Step) -> None:
        """Add a message that was sent. One that the server will skip is left out."""
        if self.skipping and step.name != "Sync":
            return
        self.skipping = False
        self._steps.append(step)

    def remove(self, offset: int) -> bool:
        """Remove the message at this offset of the stream: it never reached the server."""
        found = next((step for step in self._steps if step.offset == offset), None)
        if found is not None:
            self._steps.remove(found)
            self._drop_marks()
        return found is not None

    def answered(self, name: str) -> tuple[Step | None, bool]:
        """Return the message that this answer belongs to, and whether it is the last answer to it.

        Earlier messages without their answer are skipped, up to the end of the exchange. None: the server sent it
        without a request.
        """
        fitting = FITS[name]
        steps = self._steps
        if not steps:
            return None, False
        step = steps[0]
        if step.name not in fitting:
            found = self._passed_over(fitting)
            if found is None:
                return None, False
            step = found
        ends = fitting[step.name]
        if ends:
            steps.popleft()
            self._drop_marks()
        return step, ends

    def failed(self) -> Step | None:
        """Handle an ErrorResponse: return the message that failed.

        Answers to messages that the server skips are no longer expected.

        The message's exchange lasts until the Sync to which the server skips.
        """
        step = self.next
        if step is None:
            return None
        if step.name in BOUNDARIES:
            return step
        while self._steps and self._steps[0].name != "Sync":
            self._steps.popleft()
        if self._steps:
            self._steps[0].exchange = step.exchange
        self.skipping = not self._steps
        return step

    def copy_began(self, step: Step) -> int:
        """Handle a CopyInResponse. The server ignores a Sync until the data ends, so it is no longer expected.

        Returns the exchange that continues with the next message, or 0 if the client is already past it.
        """
        later = list(self._steps)[1:]
        ended = next((at for at, other in enumerate(later) if other.name == COPY_ENDED), None)
        step.takes_copy = ended is None
        if step.name in BOUNDARIES:
            return 0
        reading = later if ended is None else later[:ended]
        after = [] if ended is None else later[ended + 1 :]
        kept = [other for other in reading if other.name != "Sync"]
        self._steps = deque([step, *kept, *after])
        return 0 if _joined(after, step.exchange) else step.exchange

    def clear(self) -> None:
        """Forget everything: no more answers will come."""
        self._steps.clear()

    def exchanges(self) -> Iterator[int]:
        """Yield the exchange of each message that is not answered."""
        return (step.exchange for step in self._steps)

    def _passed_over(self, fitting: Mapping[str, bool]) -> Step | None:
        for index, step in enumerate(self._steps):
            if step.name in fitting:
                for _ in range(index):
                    self._steps.popleft()
                return step
            if step.name in BOUNDARIES:
                return None
        return None

    def _drop_marks(self) -> None:
        while self._steps and self._steps[0].name == COPY_ENDED:
            self._steps.popleft()


def _joined(steps: list[Step], exchange: int) -> bool:
    """Make these steps, up to the first Sync, part of an exchange; return whether there was one."""
    for step in steps:
        step.exchange = exchange
        if step.name == "Sync":
            return True
    return False
