"""Rules of the relay: which message, and the action on it. Frozen values, also as JSON.

A rule's *unit* is what its action acts on. With `Match.message` it is a single message. Otherwise it is the statement
or command: among the sent messages, the one at which the server carries it out; among the answers, the whole answer of
its exchange, which is withheld until it is complete.

Rules match in the order in which they were armed; the first one that fits gets the unit. Bytes before the unit in the
same read have been forwarded by then.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from harness.errors import UsageError
from harness.protocols.contract.frames import Direction
from harness.protocols.contract.message import Phase
from harness.relay.control.plain_json import check_types, decode, encode
from harness.relay.rules.actions import Action
from harness.vocabulary.value import Json


def folded(text: str) -> str:
    """The text for comparison: in lower case, each run of white space as one space, and none at its beginning.

    Services write a statement over several lines. White space at the end counts: "INSERT " does not begin "INSERTED".
    """
    end = " " if text[-1:].isspace() else ""
    return f"{' '.join(text.lower().split())}{end}".lstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Conditions for a unit. Every given condition must hold.

    `text`: the statement or command begins with this; case does not count, and all white space is alike. `message`: a
    frame's name, as in `harness.protocols.contract.frames`. `phase`: the message's. `having`: one of the statement's
    values contains these bytes, or its subject does, if tries are counted: a delivery's id in its text, or, for the end
    of a transaction, the one that its connection named before. `connection` counts from 1, in the order in which
    connections first sent a message that this rule fits (apart from its connection). `nth`: only the nth unit that fits
    otherwise, over all connections. `after`: only units after the rule with this id has fired; others are not counted.
    """

    direction: Direction
    text: str = ""
    message: str | None = None
    phase: Phase | None = None
    having: bytes | None = None
    connection: int | None = None
    nth: int | None = None
    after: str | None = None

    def __post_init__(self) -> None:
        check_types(self, "match")
        _at_least("match", "connection", self.connection, 1)
        _at_least("match", "nth", self.nth, 1)
        for key in ("message", "having", "after"):
            if getattr(self, key) in ("", b""):
                raise UsageError.at(
                    "match", key, getattr(self, key), "empty: the fault would say nothing", mend="leave it out"
                )

    def to_json(self) -> Json:
        """Return the fields that were given."""
        default = Match(direction=self.direction)
        given = encode(self)
        return {key: value for key, value in given.items() if key == "direction" or value != getattr(default, key)}

    @classmethod
    def from_json(cls, data: Json, *, place: str = "match") -> Self:
        """Read `to_json` back. Raises UsageError."""
        return decode(data, cls, place=place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A match and an action on one hop. `always`: it acts each time that it matches, otherwise only once."""

    id: str
    hop: str
    match: Match
    action: Action
    always: bool = field(default=False)

    def __post_init__(self) -> None:
        check_types(self, f"rule {self.id}")
        for key in ("id", "hop"):
            if not getattr(self, key):
                raise UsageError.at("rule", key, "", "empty", mend=f"give it {key!r}")
        if self.match.direction not in self.action.directions:
            problem = f"{self.action.kind} can be done to what is {self.action.directions[0]} only"
            place = f"rule {self.id}"
            raise UsageError.at(place, "match.direction", self.match.direction, problem, valid=self.action.directions)
        if self.match.after == self.id:
            raise UsageError.at(
                f"rule {self.id}", "match.after", self.id, "it waits for itself", mend="name another rule"
            )

    def to_json(self) -> Json:
        """Return all fields."""
        return encode(self)

    @classmethod
    def from_json(cls, data: Json, *, place: str = "rule") -> Self:
        """Read `to_json` back. Raises UsageError."""
        return decode(data, cls, place=place)


def _at_least(place: str, key: str, number: int | None, least: int) -> None:
    if number is not None and number < least:
        raise UsageError.at(place, key, number, f"less than {least}", mend=f"write {least} or more")
