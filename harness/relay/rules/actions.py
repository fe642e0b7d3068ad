"""The actions of rules on a unit. Each is a value, and follows the course that carries it out.

To add one, write its class here, with its `kind`, and its course as `carried_out`; the fault that scenarios use goes
into `harness/faults/wire.py`, with the same fields. A rule's JSON names the class by its kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from harness.errors import UsageError
from harness.protocols.contract.frames import Direction
from harness.protocols.contract.message import Message
from harness.relay.connection.course import AnyRuleCourse, Bench, RuleCourse
from harness.relay.control.plain_json import by_kind, check_types, encode
from harness.vocabulary.value import Json

if TYPE_CHECKING:
    from harness.relay.rules.rule_book import ArmedRule

DIRECTIONS: tuple[Direction, ...] = ("sent", "answered")
DELAY_MS_MAX = 86_400_000
ACTIONS: dict[str, type[Action]] = {}
"""Every action that is defined, by its kind."""


@dataclass(frozen=True, slots=True)
class Action:
    """An action on a unit. `directions`: the directions of the messages that it can act on."""

    kind: ClassVar[str] = ""
    directions: ClassVar[tuple[Direction, ...]] = DIRECTIONS
    carried_out: ClassVar[type[AnyRuleCourse]]
    """The course that carries it out."""

    def __init_subclass__(cls) -> None:
        """Register the class. A class with slots is created twice, and the second one stays."""
        super(Action, cls).__init_subclass__()
        if cls.kind:
            ACTIONS[cls.kind] = cls

    def __post_init__(self) -> None:
        check_types(self, self.place)

    @property
    def place(self) -> str:
        """The name for error messages: the one that scenarios use."""
        return f"wire.{self.kind}"

    @property
    def waits_for_end(self) -> bool:
        """Whether it needs the unit's last byte, or another message, before it acts."""
        return False

    def course(self, bench: Bench, armed: ArmedRule, message: Message) -> AnyRuleCourse:
        """Return the course that carries out the action on one unit."""
        return self.carried_out(bench, armed, message, self)

    def to_json(self) -> Json:
        """Return kind and fields."""
        return {"kind": self.kind, **encode(self)}

    @staticmethod
    def from_json(data: Json, *, place: str = "action") -> Action:
        """Read `to_json` back. Raises UsageError."""
        return by_kind(data, ACTIONS, place=place, word="action")


class _CutCourse(RuleCourse["Cut"]):
    __slots__ = ("_cancelled", "_left", "_passed")

    def begin(self) -> None:
        self._left = None if self.action.after else self.action.after_bytes  # None: all of it
        self._passed = 0
        self._cancelled = False

    def take(self, data: bytes, *, last: bool) -> None:
        """Forward the bytes that may pass, then act. A unit that is too short passes unchanged."""
        if self.done:
            return
        if self._cancelled:
            self.bench.forward(data)
            return
        passing = data if self._left is None else data[: self._left]
        self.bench.forward(passing)
        self._passed += len(passing)
        if self._left is not None:
            self._left -= len(passing)
        if self._left == 0 or (last and self._left is None):
            self._fire(self._passed)
            self.bench.end(self.message, reset=self.action.resets)
        elif last:
            self._too_short(self._passed)
        else:
            self.armed.under_way = f"{self._passed} bytes of it have come"

    def give_up(self) -> None:
        """Put the rule back in force, if it has not acted."""
        if not self.done:
            self.armed.missed[f"it had {self._passed} bytes when its connection ended"] += 1
        super().give_up()

    def cancel(self, armed: ArmedRule) -> None:
        """Let the unit's rest pass."""
        self._cancelled = self._cancelled or armed is self.armed


@dataclass(frozen=True, slots=True)
class Cut(Action):
    """Forward `after_bytes` bytes of the unit, or (`after`) all of it, then close both sides.

    A unit that has fewer bytes passes unchanged, and the rule waits for another.
    """

    kind: ClassVar[str] = "cut"
    carried_out: ClassVar[type[AnyRuleCourse]] = _CutCourse
    resets: ClassVar[bool] = False
    after_bytes: int = 0
    after: bool = False

    def __post_init__(self) -> None:
        Action.__post_init__(self)
        _check_byte(self.place, "after_bytes", self.after_bytes)
        if self.after and self.after_bytes:
            problem, mend = "given together with after=True", "leave one of the two out"
            raise UsageError.at(self.place, "after_bytes", self.after_bytes, problem, mend=mend)

    @property
    def waits_for_end(self) -> bool:
        """Only with `after`."""
        return self.after


@dataclass(frozen=True, slots=True)
class Reset(Cut):
    """Do the same as `Cut`, but reset the service's side (RST)."""

    kind: ClassVar[str] = "reset"
    resets: ClassVar[bool] = True


class _HoldCourse(RuleCourse["Holding"]):
    __slots__ = ()

    def take(self, data: bytes, *, last: bool) -> None:
        """Act at the first piece; every piece is queued."""
        del last
        if not self.done:
            self._fire()
            action = self.action
            self.bench.hold(
                self.armed, self.message, both_ways=action.both_ways, late=action.late, delay_s=action.delay_s
            )
        self.bench.forward(data)


@dataclass(frozen=True, slots=True)
class Holding(Action):
    """An action that holds a direction, from the unit's first byte on."""

    carried_out: ClassVar[type[AnyRuleCourse]] = _HoldCourse
    both_ways: ClassVar[bool] = False
    late: ClassVar[bool] = False

    @property
    def delay_s(self) -> float | None:
        """After how many seconds it releases itself; None: never."""
        return None


@dataclass(frozen=True, slots=True)
class Stall(Holding):
    """From this unit on nothing passes on its connection, in either direction, until released."""

    kind: ClassVar[str] = "stall"
    both_ways: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Hold(Holding):
    """From this unit on, its direction of the connection waits until it is released. The other direction continues."""

    kind: ClassVar[str] = "hold"


@dataclass(frozen=True, slots=True)
class HangUp(Holding):
    """Hold until the client whose request sends the unit has hung up. The part that armed the rule releases it."""

    kind: ClassVar[str] = "hang_up"


@dataclass(frozen=True, slots=True)
class Delay(Holding):
    """Hold, and release after `delay_ms`."""

    kind: ClassVar[str] = "delay"
    delay_ms: float

    def __post_init__(self) -> None:
        Action.__post_init__(self)
        if not 0 < self.delay_ms <= DELAY_MS_MAX:
            mend = f"write 1 to {DELAY_MS_MAX} milliseconds"
            raise UsageError.at(self.place, "delay_ms", self.delay_ms, "not a time to wait", mend=mend)

    @property
    def delay_s(self) -> float | None:
        """`delay_ms`, in seconds."""
        return self.delay_ms / 1000


@dataclass(frozen=True, slots=True)
class Late(Holding):
    """Hold the unit until the service has sent its next message on that connection."""

    kind: ClassVar[str] = "late"
    directions: ClassVar[tuple[Direction, ...]] = ("answered",)
    late: ClassVar[bool] = True

    @property
    def waits_for_end(self) -> bool:
        """It needs the service's next message."""
        return True


class _DropCourse(RuleCourse["Drop"]):
    __slots__ = ()

    def take(self, data: bytes, *, last: bool) -> None:
        """Drop the piece."""
        del data, last
        if not self.done:
            self._fire()
            self.bench.vanished(self.message)


@dataclass(frozen=True, slots=True)
class Drop(Action):
    """Drop the unit; everything else goes on."""

    kind: ClassVar[str] = "drop"
    carried_out: ClassVar[type[AnyRuleCourse]] = _DropCourse


class _DropAndCloseCourse(RuleCourse["DropAndClose"]):
    __slots__ = ()

    def take(self, data: bytes, *, last: bool) -> None:
        """Drop the piece; close after the last one."""
        del data
        if last:
            self._fire()
            self.bench.end(self.message, reset=False)


@dataclass(frozen=True, slots=True)
class DropAndClose(Action):
    """Drop the unit, and close both sides after all of it has arrived."""

    kind: ClassVar[str] = "drop_and_close"
    carried_out: ClassVar[type[AnyRuleCourse]] = _DropAndCloseCourse

    @property
    def waits_for_end(self) -> bool:
        """It closes at the unit's end."""
        return True


class _FailCourse(RuleCourse["Fail"]):
    __slots__ = ()

    def take(self, data: bytes, *, last: bool) -> None:
        """Drop the piece. Act when the whole unit has arrived, or at once if the rest may wait for an answer."""
        del data
        if not self.done and (last or self.message.frame.known):
            self._fire()
            self.bench.fail(self.armed, self.message)


@dataclass(frozen=True, slots=True)
class Fail(Action):
    """Answer the statement with a server's error; the server does not carry it out.

    `code` is in the protocol's own form. The protocol also decides how the error is made: see `Failure`. `text`: "" for
    the usual one. `fatal`: the connection is closed with it.
    """

    kind: ClassVar[str] = "fail"
    carried_out: ClassVar[type[AnyRuleCourse]] = _FailCourse
    directions: ClassVar[tuple[Direction, ...]] = ("sent",)
    code: str
    text: str = ""
    fatal: bool = False

    def __post_init__(self) -> None:
        Action.__post_init__(self)
        if not self.code or not self.code.isascii() or not self.code.isalnum():
            mend = "write letters and digits, such as '40001' or 'READONLY'"
            raise UsageError.at(self.place, "code", self.code, "not an error's code", mend=mend)
        if not self.text.isprintable():
            raise UsageError.at(self.place, "text", self.text, "a line of text only", mend="remove control characters")


class _DuplicateCourse(RuleCourse["Duplicate"]):
    """The second copy follows the first's last byte."""

    __slots__ = ("_copy",)

    def begin(self) -> None:
        self._copy: list[bytes] = []

    def take(self, data: bytes, *, last: bool) -> None:
        """Forward and keep the piece; after the last one, forward them all again."""
        self.bench.forward(data)
        self._copy.append(data)
        if last:
            self._fire(sum(map(len, self._copy)))
            for piece in self._copy:
                self.bench.forward(piece)


@dataclass(frozen=True, slots=True)
class Duplicate(Action):
    """Forward the unit twice."""

    kind: ClassVar[str] = "duplicate"
    carried_out: ClassVar[type[AnyRuleCourse]] = _DuplicateCourse

    @property
    def waits_for_end(self) -> bool:
        """The copy follows the last byte."""
        return True


class _CorruptCourse(RuleCourse["Corrupt"]):
    __slots__ = ("_left", "_passed")

    def begin(self) -> None:
        self._left = self.action.at_byte
        self._passed = 0

    def take(self, data: bytes, *, last: bool) -> None:
        """Invert the bit when its byte comes."""
        if not self.done and self._left < len(data):
            changed = bytearray(data)
            changed[self._left] ^= 0x01
            self._fire(self._passed + self._left)
            data = bytes(changed)
        self._left -= len(data)
        self._passed += len(data)
        self.bench.forward(data)
        if last and not self.done:
            self._too_short(self._passed)


@dataclass(frozen=True, slots=True)
class Corrupt(Action):
    """The lowest bit of the unit's byte number `at_byte`, from 0, is inverted. A shorter unit passes unchanged."""

    kind: ClassVar[str] = "corrupt"
    carried_out: ClassVar[type[AnyRuleCourse]] = _CorruptCourse
    at_byte: int

    def __post_init__(self) -> None:
        Action.__post_init__(self)
        _check_byte(self.place, "at_byte", self.at_byte)


def _check_byte(place: str, key: str, number: int) -> None:
    """Refuse a negative number of a byte. Raises UsageError."""
    if number < 0:
        raise UsageError.at(place, key, number, "no message has such a byte", mend="write 0 or more")
