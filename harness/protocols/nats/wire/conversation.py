"""A NATS connection: publications, subscriptions, and the publication that a message answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from harness.protocols.contract.failure import Failure, ServerError
from harness.protocols.contract.frames import GARBAGE, Direction, Frame
from harness.protocols.contract.message import Message, Phase, Unfinished
from harness.protocols.nats.errors import error_answer, error_line
from harness.protocols.nats.wire.framing import LinesFramer
from harness.protocols.nats.wire.subjects import fits

__all__ = ["NatsConversation"]

FETCHES: Final = "$JS.API.CONSUMER.MSG.NEXT."
"""A consumer asks for messages of a stream. They have other subjects and may come minutes later, so they are no
answer."""
DUE_MAX: Final = 1000
"""How many publications are kept while they wait for an answer. The oldest may never get one."""


@dataclass(slots=True)
class Due:
    """A publication with a reply subject, or a PING (`reply` is ""), that is not answered yet."""

    reply: str
    exchange: int
    text: str
    values: Sequence[bytes]
    phase: Phase


class NatsConversation:
    """Reads one connection, from its first byte.

    NATS itself has no answers. Here, the answer to a publication with a reply subject is the first message that the
    server sends to this subject. Messages to subscribers belong to no exchange.
    """

    __slots__ = ("_count", "_due", "_greeted", "_started", "_subscribed", "framers")

    framers: Mapping[Direction, LinesFramer]

    def __init__(self) -> None:
        self.framers = {"sent": LinesFramer(), "answered": LinesFramer()}
        self._due: deque[Due] = deque()
        self._count = 0  # exchanges begun
        self._greeted = False  # INFO has come
        self._started = False  # the login is over
        self._subscribed: dict[str, str] = {}  # subjects, by the client's number for each

    def understand(self, direction: Direction, frame: Frame) -> Message:
        """Return what a frame means."""
        line, values = _parts(frame)
        words = line.split() or [""]
        if direction == "answered":
            return self._answer(frame, words, values)
        if frame.name in ("PUB", "HPUB"):
            return self._publication(frame, words, values)
        if frame.name == "PING":
            return self._begun(frame, "", "PING", values, runs=False)
        self._note(frame.name, words)
        text = " ".join(words[:2]) if frame.name in ("SUB", "UNSUB") else ""
        return self._aside("sent", frame, text, values)

    def unanswered(self, exchange: int) -> int:
        """How many earlier exchanges still wait for an answer."""
        return sum(due.exchange < exchange for due in self._due)

    def withdraw(self, message: Message) -> bool:
        """Take back a message that never reached the server: it is a whole exchange."""
        self._due = deque(due for due in self._due if due.exchange != message.exchange)
        return True

    def fail(self, message: Message, error: ServerError) -> Failure:
        """Answer a publication as JetStream would; if it asks for no answer, as the server would."""
        due = next((due for due in self._due if due.exchange == message.exchange), None)
        number = None if due is None else self._subscription(due.reply)
        if due is None or number is None:
            return Failure(to_service=error_line(error))
        return Failure(to_service=error_answer(error, due.reply, number))

    def outside(self, latest: Message | None) -> Unfinished:
        """Return that the server must greet, or the client must log in; later nothing is unfinished."""
        del latest
        if self._started:
            return Unfinished("idle", "", None)
        return Unfinished("startup", "", "sent" if self._greeted else "answered")

    # What the service sends.

    def _publication(self, frame: Frame, words: list[str], values: Sequence[bytes]) -> Message:
        subject = words[1] if len(words) > 1 else ""
        fixed = 4 if frame.name == "HPUB" else 3  # words of a line without a reply subject
        reply = words[2] if len(words) > fixed else ""
        self._started = True
        fetches = subject.startswith(FETCHES)
        return self._begun(frame, "" if fetches else reply, f"PUB {subject}", values, runs=not fetches)

    def _begun(self, frame: Frame, reply: str, text: str, values: Sequence[bytes], *, runs: bool) -> Message:
        """Begin an exchange; it is due if there will be an answer."""
        self._count += 1
        phase: Phase = "startup" if not self._started else "query" if runs else "idle"
        if reply or frame.name == "PING":
            self._due.append(Due(reply, self._count, text, values, phase))
            if len(self._due) > DUE_MAX:
                self._due.popleft()
        return Message(frame, "sent", frame.name, phase, text, values, runs, self._count, ends_answer=False)

    def _note(self, name: str, words: list[str]) -> None:
        if name == "SUB" and len(words) > 2:
            self._subscribed[words[-1]] = words[1]
        elif name == "UNSUB" and len(words) == 2:  # not: after so many messages more
            gone = self._subscribed.pop(words[1], None)
            if gone is not None:
                self._due = deque(due for due in self._due if not due.reply or not fits(gone, due.reply))

    def _subscription(self, subject: str) -> str | None:
        """The client's number for the subscription that gets a subject."""
        return next((number for number, pattern in self._subscribed.items() if fits(pattern, subject)), None)

    # What the server sends.

    def _answer(self, frame: Frame, words: list[str], values: Sequence[bytes]) -> Message:
        if frame.name == "INFO":
            self._greeted = True
        subject = words[1] if len(words) > 1 and frame.name in ("MSG", "HMSG") else ""
        due = self._answered(frame.name, subject)
        if due is None:
            return self._aside("answered", frame, f"MSG {subject}" if subject else "", values)
        self._due.remove(due)
        self._started = True
        return Message(
            frame, "answered", frame.name, due.phase, due.text, due.values, False, due.exchange, ends_answer=True
        )

    def _answered(self, name: str, subject: str) -> Due | None:
        if name == "PONG":
            return next((due for due in self._due if due.text == "PING"), None)
        return next((due for due in self._due if due.reply and due.reply == subject), None)

    def _aside(self, direction: Direction, frame: Frame, text: str, values: Sequence[bytes]) -> Message:
        """Return a message that belongs to no exchange."""
        return Message(frame, direction, frame.name, self._phase, text, values, False, 0, ends_answer=False)

    @property
    def _phase(self) -> Phase:
        return "idle" if self._started else "startup"


def _parts(frame: Frame) -> tuple[str, Sequence[bytes]]:
    """The line, and the part of the body that the head contains; the headers stay with it."""
    if frame.name == GARBAGE:
        return "", ()
    line, _, body = bytes(frame.head).partition(b"\n")
    text = line.decode("utf-8", "replace").strip()
    return text, ((body.removesuffix(b"\r\n"),) if frame.name in ("PUB", "HPUB", "MSG", "HMSG") else ())
