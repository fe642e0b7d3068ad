"""The meaning of one connection's messages: their statements, their phases, and the request of each answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.protocols.contract.failure import Failure, ServerError
from harness.protocols.contract.frames import Direction, Frame, Framer
from harness.vocabulary.messages import Phase

__all__ = ["Conversation", "Message", "Phase", "Unfinished"]


@dataclass(slots=True)
class Message:
    """What a frame means on its connection.

    `text`: of a sent message, its statement or command with the arguments; of an answer, the text that it answers. ""
    if there is none. `values`: the parameters or arguments of a sent message, each as bytes; for an answer, those of
    its request. Values beyond the frame's head are missing. `runs`: the server carries a statement out when it receives
    this sent message. `exchange`: counts from 1 on the connection: a request, of one or more messages, with all of its
    answer. 0: the message belongs to no request, such as a greeting or a notification. `ends_answer`: it is the last
    message of that exchange's answer.
    """

    frame: Frame
    direction: Direction
    name: str
    phase: Phase
    text: str
    values: Sequence[bytes]
    runs: bool
    exchange: int
    ends_answer: bool


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The unfinished part of a connection. `due`: the side that has to send next; None: neither."""

    phase: Phase
    text: str
    due: Direction | None


class Conversation(Protocol):
    """One connection, both directions."""

    @property
    def framers(self) -> Mapping[Direction, Framer]:
        """The framer of each direction. They share state: the form of an answer can depend on its request."""
        ...

    def understand(self, direction: Direction, frame: Frame) -> Message:
        """Return what a frame means.

        Call it once for each frame, in order within its direction, when the frame is complete, its head is full or it
        is garbage; for a request before its answer. Never raises, for any frame.
        """
        ...

    def unanswered(self, exchange: int) -> int:
        """Return how many earlier exchanges still wait for an answer, or for the rest of one."""
        ...

    def withdraw(self, message: Message) -> bool:
        """Take back a sent message that never reached the server and will not be answered.

        Return whether its whole exchange goes with it: no other message of that exchange is or will be answered.
        """
        ...

    def fail(self, message: Message, error: ServerError) -> Failure:
        """Return the `Failure` that makes this error the answer to a sent message, the latest that was understood.

        `check_error` has accepted the error for that message. Never raises.
        """
        ...

    def outside(self, latest: Message | None) -> Unfinished:
        """Return what is unfinished when every exchange is answered: a greeting, a login, or nothing.

        `latest`: the last message of either direction; None before the first. `text` is "".
        """
        ...
