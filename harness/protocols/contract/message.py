"""What the messages of one connection mean: which statement, which phase, and which answer is whose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from harness.protocols.contract.frames import Direction, Frame, Framer
from harness.vocabulary.messages import Phase

__all__ = ["Conversation", "Message", "Phase", "ProtocolName", "TlsMode"]

ProtocolName: TypeAlias = str
"""The name of a registered protocol."""
TlsMode: TypeAlias = Literal["none", "offered", "required"]
"""Whether a hop speaks TLS to the service. Offered: to a client of PostgreSQL's that asks for it."""


@dataclass(slots=True)
class Message:
    """What a frame means on its connection.

    `text`, of a sent message: its SQL, for Parse, Bind, Describe, Execute and Close through the
    prepared statement and the portal; or the Redis command with its arguments, cut to 2,000 characters.
    Of an answer: the text of what it answers. "" where there is none.
    `values`: the parameters of a Bind, for an Execute those of its portal, the arguments of a command;
    of an answer, those of what it answers. NULL is b"". What lies beyond the frame's head is missing.
    `runs`: this sent message has its statement carried out (Query, Execute, FunctionCall, every command).
    `exchange` counts from 1 on the connection: a Query, or everything up to a Sync, with its answers up
    to ReadyForQuery; a Redis command with its reply. 0: PostgreSQL's startup and authentication,
    and what nobody asked for.
    `ends_answer`: the last message of that exchange's answer.
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


class Conversation(Protocol):
    """One connection, both directions."""

    @property
    def framers(self) -> Mapping[Direction, Framer]:
        """The framer of each direction. They know of each other: an answer's form may depend on the question."""
        ...

    def understand(self, direction: Direction, frame: Frame) -> Message:
        """Tell what a frame means.

        Call it once a frame, in order within its direction, when the frame is complete, its head is
        full or it is garbage; a question before its answer. Never raises for what the frame holds.
        """
        ...

    def unanswered(self, exchange: int) -> int:
        """How many earlier exchanges still wait for an answer, or for the rest of one."""
        ...

    def withdraw(self, message: Message) -> None:
        """Take back a sent message that was understood and never reached the server: nothing will answer it."""
        ...
