"""A Redis connection: commands, and the command of each reply."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from harness.protocols.contract.failure import Failure, ServerError
from harness.protocols.contract.frames import GARBAGE, Direction, Frame
from harness.protocols.contract.message import Message, Phase, Unfinished
from harness.protocols.redis.errors import error_reply, text_of
from harness.protocols.redis.wire.commands import arguments, command_text, pushed
from harness.protocols.redis.wire.framing import AnsweredFramer, SentFramer

__all__ = ["RespConversation"]

STARTUP: Final = frozenset({"HELLO", "AUTH", "CLIENT", "SELECT"})
# Commands answered once for each channel, and the kind of channel that they are about.
SUBSCRIBING: Final = {"SUBSCRIBE": "", "PSUBSCRIBE": "p", "SSUBSCRIBE": "s"}
UNSUBSCRIBING: Final = {"UNSUBSCRIBE": "", "PUNSUBSCRIBE": "p", "SUNSUBSCRIBE": "s"}
SUBSCRIPTIONS: Final = SUBSCRIBING | UNSUBSCRIBING
WATCHED: Final = frozenset({*SUBSCRIPTIONS, "CLIENT", "MULTI", "EXEC", "DISCARD", "RESET"})
PUBLISHED: Final = frozenset({"message", "pmessage", "smessage"})


@dataclass(slots=True)
class Due:
    """A command that is not answered yet."""

    name: str
    exchange: int
    text: str
    values: Sequence[bytes]
    phase: Phase
    replies: int
    counted: bool  # one reply for each channel


class RespConversation:
    """Reads one connection, from its first byte. RESP2 until a HELLO is answered with a map.

    A replica's connection (SYNC, PSYNC) is not read, because the bytes after the reply are not RESP. While commands are
    unanswered, MONITOR's output is mistaken for replies.
    """

    __slots__ = (
        "_channels", "_count", "_due", "_replies_off", "_resp3", "_skip_next", "_started", "_subscribed",
        "_transaction", "framers",
    )  # fmt: skip

    framers: Mapping[Direction, SentFramer | AnsweredFramer]

    def __init__(self) -> None:
        self.framers = {"sent": SentFramer(), "answered": AnsweredFramer()}
        self._due: deque[Due] = deque()
        self._count = 0  # exchanges begun
        self._started = False  # a command that does not belong to the startup has been sent
        self._resp3 = False
        self._reset()

    def _reset(self) -> None:
        self._channels: dict[str, set[bytes]] = {"": set(), "p": set(), "s": set()}
        self._subscribed = {"": 0, "s": 0}  # as the server counts: channels and patterns together
        self._transaction = False  # between MULTI and EXEC
        self._replies_off = False
        self._skip_next = False

    def understand(self, direction: Direction, frame: Frame) -> Message:
        """Return what a frame means."""
        if direction == "answered":
            return self._answer(frame)
        words = [] if frame.name == GARBAGE else arguments(frame.head)
        return self._command(frame, words) if words else self._aside("sent", frame)

    def unanswered(self, exchange: int) -> int:
        """How many earlier exchanges still wait for an answer, or for the rest of one."""
        return sum(due.exchange < exchange for due in self._due)

    def withdraw(self, message: Message) -> bool:
        """Take back a command that never reached the server: it is a whole exchange."""
        found = next((due for due in self._due if due.exchange == message.exchange), None)
        if found is not None:
            self._due.remove(found)
        return True

    def fail(self, message: Message, error: ServerError) -> Failure:
        """Answer instead of the server."""
        del message
        return Failure(to_service=error_reply(error), text=text_of(error))

    def outside(self, latest: Message | None) -> Unfinished:
        """Return "nothing": a connection begins with commands."""
        del latest
        return Unfinished("idle", "", None)

    # What the service sends.

    def _command(self, frame: Frame, words: list[bytes]) -> Message:
        name, text, values = frame.name, command_text(words), words[1:]
        if name not in STARTUP:
            self._started = True
        phase: Phase = "query" if self._started else "startup"
        self._count += 1
        replies = self._replies_to(name, values)
        if replies:
            counted = name in SUBSCRIPTIONS and not self._transaction
            self._due.append(Due(name, self._count, text, values, phase, replies, counted))
        return Message(frame, "sent", name, phase, text, values, True, self._count, False)

    def _replies_to(self, name: str, values: list[bytes]) -> int:
        skipped, self._skip_next = self._skip_next, False
        replies = self._note(name, values) if name in WATCHED else 1
        return 0 if skipped or self._replies_off else replies

    def _note(self, name: str, values: list[bytes]) -> int:
        """Record what a command changes on its connection; return how many replies it has."""
        if name in SUBSCRIPTIONS and not self._transaction:
            return self._subscription(name, values)
        if name == "CLIENT" and [value.upper() for value in values[:1]] == [b"REPLY"]:
            return self._reply_mode(values[-1].upper())
        if name == "RESET":
            self._reset()
        elif name in ("MULTI", "EXEC", "DISCARD"):
            self._transaction = name == "MULTI"
        return 1

    def _subscription(self, name: str, values: list[bytes]) -> int:
        channels = self._channels[SUBSCRIPTIONS[name]]
        if name in SUBSCRIBING:
            channels.update(values)
            return len(values) or 1  # none: an error
        replies = len(values or channels) or 1
        channels.difference_update(values or list(channels))
        return replies

    def _reply_mode(self, mode: bytes) -> int:
        self._replies_off = mode == b"OFF" or (self._replies_off and mode != b"ON")
        self._skip_next = mode == b"SKIP"
        return 0 if mode == b"SKIP" else 1

    # What the server answers.

    def _answer(self, frame: Frame) -> Message:
        due = self._answered(frame)
        if due is None:
            return self._aside("answered", frame)
        due.replies -= 1
        ends = due.replies <= 0 or (due.counted and frame.name == "Error")
        if ends:
            self._due.popleft()
            self._note_answer(due, frame)
        return Message(
            frame, "answered", frame.name, due.phase, due.text, due.values, False, due.exchange, ends_answer=ends
        )

    def _answered(self, frame: Frame) -> Due | None:
        """Return the command that this reply is for."""
        if frame.name == GARBAGE:
            return None
        if frame.name == "Push" or (frame.name == "Array" and not self._resp3 and self._in_subscription()):
            return self._pushed(frame)
        while self._due and self._due[0].counted and frame.name != "Error":
            self._due.popleft()  # fewer replies than channels: this answers the next command
        return self._due[0] if self._due else None

    def _in_subscription(self) -> bool:
        return any(self._subscribed.values()) or bool(self._due and self._due[0].counted)

    def _pushed(self, frame: Frame) -> Due | None:
        due = self._due[0] if self._due else None
        kind, count = pushed(frame.head)
        command = kind.upper()
        if command in SUBSCRIPTIONS:
            self._subscribed["s" if kind.startswith("s") and kind[1:].endswith("subscribe") else ""] = count
            return due if due is not None and due.counted and due.name == command else None
        return None if kind in PUBLISHED or frame.name == "Push" else due

    def _note_answer(self, due: Due, frame: Frame) -> None:
        if due.name == "HELLO" and frame.name != "Error":
            self._resp3 = frame.name == "Map"
        elif due.name == "RESET" and frame.name != "Error":
            self._resp3 = False
            self._subscribed = {"": 0, "s": 0}
        elif due.name in SUBSCRIBING and frame.name == "Error":
            self._channels[SUBSCRIBING[due.name]].difference_update(due.values)

    def _aside(self, direction: Direction, frame: Frame) -> Message:
        """Return a message that belongs to no exchange."""
        phase: Phase = self._due[0].phase if self._due else "idle"
        return Message(frame, direction, frame.name, phase, "", (), False, 0, False)
