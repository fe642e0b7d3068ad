"""What the search needs to know about a protocol: its servers' errors, and faults that make no sense at a message.

The implementation is `SEARCHED` in `harness/protocols/NAME/search.py`. It may import the contract only.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from harness.protocols.contract.failure import ServerError
from harness.protocols.registry import Facet
from harness.vocabulary.messages import Direction, Phase

__all__ = ["SEARCHED", "Exclusion", "Placed", "Searched", "Spot", "Transactions", "common_beginning"]

BEGINNING_MAX: Final = 400
"""How many characters identify a statement. More characters do not distinguish more statements."""


class Spot(Protocol):
    """The position of a message among a delivery's messages."""

    @property
    def direction(self) -> Direction:
        """Which side sent the message."""
        ...

    @property
    def phase(self) -> Phase:
        """The phase of its connection."""
        ...

    @property
    def message(self) -> str:
        """The message's name."""
        ...

    @property
    def occurrence(self) -> int:
        """Its number among the delivery's messages of the same kind, from 1."""
        ...


class Placed(Protocol):
    """A message of a recorded delivery. `runs` and `ends_answer` are those of `Message`."""

    @property
    def place(self) -> Spot:
        """The message's position."""
        ...

    @property
    def runs(self) -> bool:
        """Whether the server carries a statement out when it receives it."""
        ...

    @property
    def ends_answer(self) -> bool:
        """Whether it is the last message of an answer."""
        ...


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Actions that make no sense at some messages. `messages` describes these in words; `applies` decides."""

    actions: tuple[str, ...]
    messages: str
    reason: str
    applies: Callable[[Placed], bool]

    def __str__(self) -> str:
        """The exclusion as one line of the committed file."""
        return f"{' '.join(self.actions)} | {self.messages} | {self.reason}"


@dataclass(frozen=True, slots=True)
class Transactions:
    """How statements show a protocol's transactions.

    `looks`: sent messages with which a statement begins to read the data. `opening` and `closing`: first words of
    statements that begin and end a transaction, in lower case.
    """

    looks: tuple[str, ...]
    opening: tuple[str, ...]
    closing: tuple[str, ...]


def common_beginning(texts: Sequence[str]) -> str:
    """Return the common beginning of these statements, up to the first id or time that differs."""
    letters = zip(*(text.lstrip() for text in texts), strict=False)
    same = itertools.takewhile(lambda each: len(set(each)) == 1, letters)
    return "".join(each[0] for each in same)[:BEGINNING_MAX].rstrip()


def _reads(text: str) -> bool:
    del text
    return False


def _whole(spot: Spot) -> bool:
    del spot
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """A protocol, for the search. The defaults fit one whose messages are whole questions and answers.

    `errors`: those that a server can return in place of a statement's answer; if one has no text, it gets the server's
    usual text. `repeatable`: those of them after which a retry helps; pairs of faults use them. `opens`: the message
    that asks for a session, and `refusals`: the errors that refuse it. `exclusions`: actions that make no sense at some
    messages of this protocol, in addition to those of every protocol. `transactions`: None for servers without
    transactions. `is_part`: whether a message is one of several that make a question or an answer. To lose one of them
    is a kind of corruption, which TCP does not do. `beginning`: returns a rule's `text`, which identifies a statement
    in every delivery, from its texts in several. `writes`: whether a statement, by its text, may change the server's
    data.
    """

    errors: tuple[ServerError, ...] = ()
    repeatable: tuple[ServerError, ...] = ()
    opens: str = ""
    refusals: tuple[ServerError, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    transactions: Transactions | None = None
    is_part: Callable[[Spot], bool] = _whole
    beginning: Callable[[Sequence[str]], str] = common_beginning
    writes: Callable[[str], bool] = _reads


SEARCHED: Final[Facet[Searched]] = Facet("search", "SEARCHED")
