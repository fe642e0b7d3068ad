"""Rules of the relay: which message, and what becomes of it. Frozen values, also as JSON.

A rule's *unit* is what its action is done to. With `Match.message` it is a single message. Without,
it is the statement: of those sent, the message that has it carried out (Query, Execute, a Redis
command); of the answers, the whole answer of the exchange in which the statement ran, which is
withheld until it is complete.

Rules match in the order in which they were armed; the first that takes a unit has it, and what
comes before the unit in the same read has gone on by then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Self, TypeAlias

from harness.errors import UsageError
from harness.protocols.contract.frames import Direction
from harness.protocols.contract.message import Phase
from harness.relay._json import by_kind, check_types, decode, encode
from harness.vocabulary import Json

DIRECTIONS: tuple[Direction, ...] = ("sent", "answered")


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What a unit must be. Every condition that is given must hold.

    `text`: the statement or command begins with this; case and leading white space do not count.
    `message`: a frame's name, as in `harness.protocols.contract.frames`. `phase`: the message's. `having`: one of the
    statement's values contains these bytes. `connection` counts from 1, in the order in which
    connections first sent a message that this rule fits (but for its connection). `nth`: only the nth
    unit that all else fits, over all connections. `after`: only units that come once the rule with
    this id has fired; others are not counted.
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
                    "match", key, getattr(self, key), "empty: it would say nothing", mend="leave it out"
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


@dataclass(frozen=True, slots=True)
class Action:
    """What becomes of a unit. `directions`: those whose messages it can be done to."""

    kind: ClassVar[str] = ""
    directions: ClassVar[tuple[Direction, ...]] = DIRECTIONS

    def __post_init__(self) -> None:
        check_types(self, self.place)

    @property
    def place(self) -> str:
        """What an error calls it: what a scenario does."""
        return f"wire.{self.kind}"

    def to_json(self) -> Json:
        """Return kind and fields."""
        return {"kind": self.kind, **encode(self)}

    @staticmethod
    def from_json(data: Json, *, place: str = "action") -> Action:
        """Read `to_json` back. Raises UsageError."""
        return by_kind(data, ACTIONS, place=place, word="action")


@dataclass(frozen=True, slots=True)
class Cut(Action):
    """Pass on that many bytes of the unit (None: all of it), then close both sides.

    A unit that has fewer passes as it is, and the rule waits for another.
    """

    kind: ClassVar[str] = "cut"
    after_bytes: int | None = 0

    def __post_init__(self) -> None:
        Action.__post_init__(self)
        _has_such_a_byte(self.place, "after_bytes", self.after_bytes)


@dataclass(frozen=True, slots=True)
class Reset(Action):
    """The same, but the service gets a TCP reset."""

    kind: ClassVar[str] = "reset"
    after_bytes: int | None = 0

    def __post_init__(self) -> None:
        Action.__post_init__(self)
        _has_such_a_byte(self.place, "after_bytes", self.after_bytes)


@dataclass(frozen=True, slots=True)
class Stall(Action):
    """From this unit on nothing more passes on its connection, either way, until released."""

    kind: ClassVar[str] = "stall"


@dataclass(frozen=True, slots=True)
class Hold(Action):
    """From this unit on its direction of the connection waits until released; the other goes on."""

    kind: ClassVar[str] = "hold"


@dataclass(frozen=True, slots=True)
class Delay(Action):
    """A hold that releases itself."""

    kind: ClassVar[str] = "delay"
    delay_ms: float

    def __post_init__(self) -> None:
        Action.__post_init__(self)
        if not 0 < self.delay_ms <= DELAY_MS_MAX:
            mend = f"write 1 to {DELAY_MS_MAX} milliseconds"
            raise UsageError.at(self.place, "delay_ms", self.delay_ms, "not a time to wait", mend=mend)


@dataclass(frozen=True, slots=True)
class Drop(Action):
    """The unit vanishes; all else goes on."""

    kind: ClassVar[str] = "drop"


@dataclass(frozen=True, slots=True)
class DropAndClose(Action):
    """The unit vanishes, and both sides are closed once it was there as a whole."""

    kind: ClassVar[str] = "drop_and_close"


@dataclass(frozen=True, slots=True)
class Fail(Action):
    """A server's error in the place of what the statement would do.

    PostgreSQL: `code` is an SQLSTATE. In place of a COMMIT a ROLLBACK is sent, and its confirmation
    becomes the error: the transaction is over. Any other statement is replaced by one that has the
    server itself raise the error. `fatal`: the error comes from the relay, and the connection is closed.
    Redis: the command is not passed on, and `-CODE text` comes in its reply's place.
    """

    kind: ClassVar[str] = "fail"
    directions: ClassVar[tuple[Direction, ...]] = ("sent",)
    code: str
    text: str = ""
    fatal: bool = False

    def __post_init__(self) -> None:
        Action.__post_init__(self)
        if not self.code or not self.code.isascii() or not self.code.isalnum():
            mend = "write an SQLSTATE such as '40001', or a Redis code such as 'READONLY'"
            raise UsageError.at(self.place, "code", self.code, "not an error's code", mend=mend)
        if not self.text.isprintable():
            raise UsageError.at(
                self.place, "text", self.text, "a line of text only", mend="take control characters out"
            )


@dataclass(frozen=True, slots=True)
class Late(Action):
    """The unit waits until the service has sent its next message on that connection, then passes."""

    kind: ClassVar[str] = "late"
    directions: ClassVar[tuple[Direction, ...]] = ("answered",)


@dataclass(frozen=True, slots=True)
class Duplicate(Action):
    """The unit passes twice."""

    kind: ClassVar[str] = "duplicate"


@dataclass(frozen=True, slots=True)
class Corrupt(Action):
    """The lowest bit of the unit's byte number `at_byte`, from 0, is inverted."""

    kind: ClassVar[str] = "corrupt"
    at_byte: int

    def __post_init__(self) -> None:
        Action.__post_init__(self)
        _has_such_a_byte(self.place, "at_byte", self.at_byte)


DELAY_MS_MAX = 86_400_000

AnyAction: TypeAlias = Cut | Reset | Stall | Hold | Delay | Drop | DropAndClose | Fail | Late | Duplicate | Corrupt
ACTIONS: Mapping[str, type[Action]] = {
    action.kind: action
    for action in (Cut, Reset, Stall, Hold, Delay, Drop, DropAndClose, Fail, Late, Duplicate, Corrupt)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A match and an action on one hop. `always`: each time that it matches, else once."""

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


def _has_such_a_byte(place: str, key: str, number: int | None) -> None:
    if number is not None and number < 0:
        raise UsageError.at(place, key, number, "no message has such a byte", mend="write 0 or more")
