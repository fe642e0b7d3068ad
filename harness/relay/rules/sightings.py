"""The messages that passed a hop: always the statements and the ends of answers, and every message while it records."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from harness.errors import HarnessError
from harness.protocols.contract.frames import Direction, Frame
from harness.protocols.contract.message import Message, Phase
from harness.relay.control.reports import STATEMENTS_MAX, Seen

RECORDED_BYTES_MAX: Final = 64 * 1024 * 1024
TEXT_MAX: Final = 2000  # characters of each of the latest statements
GROWING_MAX: Final = 64  # each keeps a frame, with up to 64 KiB
_TEXT_BYTES_MAX: Final = TEXT_MAX + 100  # of a Python string, with its header
_SHORT: Final = TEXT_MAX // 4  # text of this length never has more bytes than that
_RECORD_BYTES: Final = 400  # of an entry itself, about

Noted: TypeAlias = tuple[int, Direction, str, str, Phase, int, bool, bool, int, int, int]
"""The fields of a `Passing`, in order. The `Passing` itself is created only on request, which is rare."""


@dataclass(slots=True)
class Passing:
    """A message that passed. It does not keep the frame, which holds up to 64 KiB."""

    connection: int
    direction: Direction
    message: str
    text: str
    phase: Phase
    exchange: int
    runs: bool
    ends_answer: bool
    offset: int
    length: int
    t_ns: int
    head: bytes | None = None
    subject: str = ""

    def seen(self, hop: str) -> Seen:
        """Return it as a report."""
        return Seen(hop=hop, **{name: getattr(self, name) for name in self.__slots__})


class Sightings:
    """Two lists of one hop: the latest statements, and a recording.

    The first has a fixed length. It keeps no frames and no parameters, and only the beginning of a long text, so it
    never takes more than 10 MiB.
    """

    __slots__ = ("_growing", "_hop", "_recorded", "_recorded_bytes", "_recorded_texts", "_statements", "recording")

    def __init__(self, hop: str) -> None:
        self._hop = hop
        self._statements: deque[Passing | Noted] = deque(maxlen=STATEMENTS_MAX)
        self._recorded: list[Passing] = []
        self._recorded_bytes = 0
        self._recorded_texts: dict[str, str] = {}  # each is kept once, however many messages it is of
        self._growing: list[tuple[Passing, Frame]] = []  # noted before they had come as a whole
        self.recording = False

    def note(self, connection: int, message: Message, t_ns: int) -> None:
        """Remember a statement or the end of an answer."""
        frame, text = message.frame, message.text
        if len(text) > _SHORT:
            text = _cut(text)
        if not frame.complete:
            passing = self._passing(connection, message, t_ns)
            passing.text = text
            self._statements.append(passing)
            return
        self._statements.append(
            (
                connection, message.direction, message.name, text, message.phase, message.exchange,
                message.runs, message.ends_answer, frame.offset, frame.length, t_ns,
            )
        )  # fmt: skip

    def record(self, connection: int, message: Message, t_ns: int, subject: str = "") -> None:
        """Record any message, with its first bytes. `subject`: a statement's subject, if it is known."""
        passing = self._passing(connection, message, t_ns)
        passing.subject = subject
        self._recorded_bytes += len(message.frame.head) + _RECORD_BYTES
        if passing.text not in self._recorded_texts:
            self._recorded_bytes += sys.getsizeof(passing.text)
        if self._recorded_bytes <= RECORDED_BYTES_MAX:
            passing.text = self._recorded_texts.setdefault(passing.text, passing.text)
            passing.head = bytes(message.frame.head)
            self._recorded.append(passing)

    def begin(self) -> None:
        """Start a new recording."""
        self._recorded, self._recorded_texts, self._recorded_bytes, self.recording = [], {}, 0, True

    def statements(self, since_ns: int) -> Iterator[Seen]:
        """Return the statements and ends of answers since that time, in order."""
        self._measure()
        entries = [Passing(*entry) if isinstance(entry, tuple) else entry for entry in self._statements]
        return (passing.seen(self._hop) for passing in entries if passing.t_ns >= since_ns)

    def recorded(self) -> Iterator[Seen]:
        """Return the recording. Raises HarnessError if it is incomplete."""
        if self._recorded_bytes > RECORDED_BYTES_MAX:
            problem = f"hop {self._hop!r}: there was more to record than the {RECORDED_BYTES_MAX} bytes that are kept"
            raise HarnessError(problem, hint="record less at a time: one delivery, with small payloads")
        self._measure()
        return (passing.seen(self._hop) for passing in list(self._recorded))

    def _passing(self, connection: int, message: Message, t_ns: int) -> Passing:
        frame = message.frame
        passing = Passing(
            connection, message.direction, message.name, message.text, message.phase, message.exchange,
            message.runs, message.ends_answer, frame.offset, frame.length, t_ns,
        )  # fmt: skip
        if self._growing:
            self._measure()
        if not frame.complete:
            self._growing.append((passing, frame))
        return passing

    def _measure(self) -> None:
        """Set the lengths of messages that are complete now, and free their frames, which are large."""
        for passing, frame in self._growing:
            passing.length = frame.length
        growing = [(passing, frame) for passing, frame in self._growing if not frame.complete]
        self._growing = growing[-GROWING_MAX:]  # the rest of one may never come: its connection has ended


def _cut(text: str) -> str:
    """Return the beginning of a text.

    Python stores each character of a string in the same number of bytes, up to four.
    """
    text = text[:TEXT_MAX]
    while sys.getsizeof(text) > _TEXT_BYTES_MAX:
        text = text[: len(text) // 2]
    return text
