"""The interface of an action.

A course gets the bytes of one unit (a message or a whole answer), and acts through its bench.

A course gets the unit in pieces, because a large message comes in several, and learns which piece is the last. Pieces
of other messages between them (a notice within an answer) come through `aside`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

from harness.protocols.contract.message import Message

if TYPE_CHECKING:
    from harness.relay.rules.rule_book import ArmedRule

ActionT = TypeVar("ActionT")
"""The action that a course carries out."""


class Bench(Protocol):
    """What a course can do to its direction of the connection."""

    def forward(self, data: bytes) -> None:
        """Forward bytes. If a rule holds the direction, they are queued."""
        ...

    def fire(self, armed: ArmedRule, message: Message, passed_bytes: int) -> None:
        """Report that the action was carried out."""
        ...

    def not_done(self, armed: ArmedRule) -> None:
        """Put the rule back in force: its action could not be carried out on this unit."""
        ...

    def end(self, message: Message, *, reset: bool) -> None:
        """Close both sides of the connection."""
        ...

    def fail(self, armed: ArmedRule, message: Message) -> None:
        """Replace the answer with an error. The unit itself was not forwarded."""
        ...

    def vanished(self, message: Message) -> None:
        """Forget a message that does not reach its receiver."""
        ...

    def hold(self, armed: ArmedRule, message: Message, *, both_ways: bool, late: bool, delay_s: float | None) -> None:
        """Queue all further bytes, in this direction or both, until the rule releases them.

        `late`: the service's next message on the connection releases them, too. `delay_s`: after this time they are
        released.
        """
        ...


class Course:
    """What happens to one unit."""

    __slots__ = ()

    def take(self, data: bytes, *, last: bool) -> None:
        """Take a piece of the unit."""
        raise NotImplementedError

    def give_up(self) -> None:
        """The unit's rest will not come: forward the kept bytes. If nothing was done, the rule is in force again."""

    def cancel(self, armed: ArmedRule) -> None:
        """The rule was disarmed. If it is this course's rule and nothing was done, let the unit pass."""


class Passes(Course):
    """Forwards the unit unchanged."""

    __slots__ = ("_bench",)

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def take(self, data: bytes, *, last: bool) -> None:
        """Forward the piece."""
        del last
        self._bench.forward(data)


class RuleCourse(Course, Generic[ActionT]):
    """What a rule does to a unit. `message`: the unit, or the first message of it. `done`: the action was carried out.

    A course with state of its own adds it in `begin`.
    """

    __slots__ = ("action", "armed", "bench", "done", "message")

    def __init__(self, bench: Bench, armed: ArmedRule, message: Message, action: ActionT) -> None:
        self.bench = bench
        self.armed = armed
        self.message = message
        self.action = action
        self.done = False
        self.begin()

    def begin(self) -> None:
        """Prepare for the first piece."""

    def aside(self, data: bytes) -> None:
        """Take a piece of another message within the unit."""
        self.bench.forward(data)

    def give_up(self) -> None:
        """Put the rule back in force, if it has not acted."""
        if not self.done:
            self.bench.not_done(self.armed)

    def _fire(self, passed_bytes: int = 0) -> None:
        self.done = True
        self.bench.fire(self.armed, self.message, passed_bytes)

    def _too_short(self, length: int) -> None:
        """Put the rule back in force: this unit does not have the byte that the rule names."""
        self.armed.missed[f"it had {length} bytes only"] += 1
        self.bench.not_done(self.armed)


AnyRuleCourse: TypeAlias = RuleCourse[Any]
