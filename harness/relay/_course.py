"""What an action is written against: the course of one unit's bytes, and the bench on which it works.

A course gets the unit piece by piece (a large message comes in several) and is told which piece is the
last. Pieces of other messages that stand between them (a notice within an answer) come through `aside`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from harness.protocols.contract.message import Message

if TYPE_CHECKING:
    from harness.relay._rule_book import ArmedRule


class Bench(Protocol):
    """What a course can do with one direction of its connection."""

    def forward(self, data: bytes) -> None:
        """Pass bytes on. Behind a hold they wait."""
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
        """Put an error in the place of the answer. The unit itself was not passed on."""
        ...

    def vanished(self, message: Message) -> None:
        """Forget a message that the server will never see. Of an answer there is nothing to forget."""
        ...

    def hold(self, armed: ArmedRule, message: Message, *, both_ways: bool, late: bool, delay_s: float | None) -> None:
        """Keep back whatever comes from now on, in this direction or both, until the rule releases it.

        `late`: the service's next message on the connection releases it, too. `delay_s`: so does this time.
        """
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
        """Put the rule back, for another unit: this one does not have the byte that the rule is about."""
        self.armed.missed[f"it had {length} bytes only"] += 1
        self.bench.not_done(self.armed)
