"""What becomes of a unit's bytes once a rule has it: one course for each action.

A course is given the unit piece by piece, for a large message as the pieces come, and told which is
the last. Pieces of other messages that stand between (a notice within an answer) come `aside`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from harness.protocols.contract.message import Message
from harness.relay import rules
from harness.relay._rule_book import ArmedRule


class Bench(Protocol):
    """What a course works with: its connection's direction, as the lane gives it."""

    def forward(self, data: bytes) -> None:
        """Pass bytes on; behind a hold they wait."""
        ...

    def fire(self, armed: ArmedRule, message: Message, passed_bytes: int) -> None:
        """Report that the action was done."""
        ...

    def not_done(self, armed: ArmedRule) -> None:
        """Put the rule back in force: its action could not be done on this unit."""
        ...

    def end(self, message: Message, *, reset: bool) -> None:
        """Close both sides."""
        ...

    def fail(self, armed: ArmedRule, message: Message) -> None:
        """Have an error come in the place of the answer. The unit itself was not passed on."""
        ...

    def hold(self, armed: ArmedRule, message: Message) -> None:
        """Keep the direction, or for a stall both, from now on until the rule releases it."""
        ...


class Course:
    """What becomes of a unit."""

    __slots__ = ()

    def take(self, data: bytes, *, last: bool) -> None:
        """Take a piece of the unit."""
        raise NotImplementedError

    def give_up(self) -> None:
        """The rest will not come: pass on what is kept, and put the rule back if it has done nothing."""

    def cancel(self, armed: ArmedRule) -> None:
        """That rule is no longer in force: if it is this course's and has done nothing, let the unit pass."""


class Passes(Course):
    """It passes."""

    __slots__ = ("_bench",)

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def take(self, data: bytes, *, last: bool) -> None:
        """Pass it on."""
        del last
        self._bench.forward(data)


class RuleCourse(Course):
    """What a rule makes of a unit. `message`: the unit, or its first."""

    __slots__ = ("armed", "bench", "message")

    def __init__(self, bench: Bench, armed: ArmedRule, message: Message) -> None:
        self.bench = bench
        self.armed = armed
        self.message = message

    def aside(self, data: bytes) -> None:
        """Take a piece of another message that stands between."""
        self.bench.forward(data)

    def _fire(self, passed_bytes: int = 0) -> None:
        self.bench.fire(self.armed, self.message, passed_bytes)

    def _too_short(self, length: int) -> None:
        """Put the rule back, for another unit: this one has not the byte that it is about."""
        self.armed.missed[f"it had {length} bytes only"] += 1
        self.bench.not_done(self.armed)


class CutCourse(RuleCourse):
    """Cut and Reset."""

    __slots__ = ("_cancelled", "_done", "_left", "_passed", "_reset")

    def __init__(self, bench: Bench, armed: ArmedRule, message: Message) -> None:
        super().__init__(bench, armed, message)
        action = armed.rule.action
        self._reset = isinstance(action, rules.Reset)
        self._left = action.after_bytes if isinstance(action, rules.Cut | rules.Reset) else 0
        self._passed = 0
        self._cancelled = False
        self._done = False

    def take(self, data: bytes, *, last: bool) -> None:
        """Pass on what may pass, then fire; a unit that is too short for it passes as it is."""
        if self._done:
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
            self._done = True
            self._fire(self._passed)
            self.bench.end(self.message, reset=self._reset)
        elif last:
            self._too_short(self._passed)

    def give_up(self) -> None:
        """Put the rule back, if it has done nothing."""
        if not self._done:
            self.bench.not_done(self.armed)

    def cancel(self, armed: ArmedRule) -> None:
        """Let the rest pass."""
        self._cancelled = self._cancelled or armed is self.armed


class HoldCourse(RuleCourse):
    """Stall, Hold, Delay and Late: the direction waits from the first piece on."""

    __slots__ = ("_began",)

    def __init__(self, bench: Bench, armed: ArmedRule, message: Message) -> None:
        super().__init__(bench, armed, message)
        self._began = False

    def take(self, data: bytes, *, last: bool) -> None:
        """Fire at the first piece; keep them all."""
        del last
        if not self._began:
            self._began = True
            self._fire()
            self.bench.hold(self.armed, self.message)
        self.bench.forward(data)


class DropCourse(RuleCourse):
    """Drop and DropAndClose."""

    __slots__ = ("_closes", "_fired")

    def __init__(self, bench: Bench, armed: ArmedRule, message: Message) -> None:
        super().__init__(bench, armed, message)
        self._closes = isinstance(armed.rule.action, rules.DropAndClose)
        self._fired = False

    def take(self, data: bytes, *, last: bool) -> None:
        """Let it vanish."""
        del data
        if not self._fired and (last or not self._closes):
            self._fired = True
            self._fire()
        if last and self._closes:
            self.bench.end(self.message, reset=False)

    def give_up(self) -> None:
        """Put the rule back, if it was to close: the end came first."""
        if not self._fired:
            self.bench.not_done(self.armed)


class FailCourse(RuleCourse):
    """Fail: the message does not pass, an error answers it."""

    __slots__ = ()

    def take(self, data: bytes, *, last: bool) -> None:
        """Let it vanish; act once it was there as a whole."""
        del data
        if last:
            self._fire()
            self.bench.fail(self.armed, self.message)

    def give_up(self) -> None:
        """Put the rule back."""
        self.bench.not_done(self.armed)


class DuplicateCourse(RuleCourse):
    """Duplicate: the second copy follows the first's last byte."""

    __slots__ = ("_copy", "_passed")

    def __init__(self, bench: Bench, armed: ArmedRule, message: Message) -> None:
        super().__init__(bench, armed, message)
        self._copy: list[bytes] = []
        self._passed = 0

    def take(self, data: bytes, *, last: bool) -> None:
        """Pass on, keep a copy, and pass that on at the end."""
        self.bench.forward(data)
        self._copy.append(data)
        self._passed += len(data)
        if last:
            self._fire(self._passed)
            for piece in self._copy:
                self.bench.forward(piece)

    def give_up(self) -> None:
        """Put the rule back."""
        self.bench.not_done(self.armed)


class CorruptCourse(RuleCourse):
    """Corrupt: a unit that is too short for it passes as it is."""

    __slots__ = ("_done", "_left", "_passed")

    def __init__(self, bench: Bench, armed: ArmedRule, message: Message) -> None:
        super().__init__(bench, armed, message)
        action = armed.rule.action
        self._left = action.at_byte if isinstance(action, rules.Corrupt) else 0
        self._passed = 0
        self._done = False

    def take(self, data: bytes, *, last: bool) -> None:
        """Invert one bit when its byte comes by."""
        if not self._done and self._left < len(data):
            changed = bytearray(data)
            changed[self._left] ^= 0x01
            self._done = True
            self._fire(self._passed + self._left)
            data = bytes(changed)
        self._left -= len(data)
        self._passed += len(data)
        self.bench.forward(data)
        if last and not self._done:
            self._too_short(self._passed)

    def give_up(self) -> None:
        """Put the rule back, if it has done nothing."""
        if not self._done:
            self.bench.not_done(self.armed)


COURSES: Final[Mapping[type[Any], Callable[[Bench, ArmedRule, Message], RuleCourse]]] = {
    rules.Cut: CutCourse,
    rules.Reset: CutCourse,
    rules.Stall: HoldCourse,
    rules.Hold: HoldCourse,
    rules.Delay: HoldCourse,
    rules.Late: HoldCourse,
    rules.Drop: DropCourse,
    rules.DropAndClose: DropCourse,
    rules.Fail: FailCourse,
    rules.Duplicate: DuplicateCourse,
    rules.Corrupt: CorruptCourse,
}
