"""The relay: one message of PostgreSQL's or Redis's protocol meets the fault instead of passing.

`wire.cut(postgres.sent("COMMIT"))`: the COMMIT never arrives. `wire.cut(postgres.answered("COMMIT"))`:
it is applied, and its answer is lost. Once, unless `always`. What came before the message, in the same
read too, is passed on first; nothing else is touched.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from harness.errors import UsageError
from harness.faults._messages_met import MessagesMet
from harness.faults._order import InOrder
from harness.faults.fault import Fault, Injection
from harness.faults.site import Site
from harness.relay import Action, Direction, actions, check_action
from harness.vocabulary import Message

FEWEST_TO_ORDER = 2


@dataclass(frozen=True, repr=False)
class MessageFault(Fault):
    """A fault that messages meet. The relay carries out `acts`, whose fields the fault has under the same names."""

    acts: ClassVar[type[Action]]
    at: Message

    def __post_init__(self) -> None:
        super().__post_init__()
        action = self.action()  # refuses what the relay can do to no message
        _check_direction(self.kind, self.at, action.directions)
        check_action(self.kind, action, self.at.message, self.at.link.protocol)

    def action(self) -> Action:
        """What the relay does with the message."""
        return self.acts(**{each.name: getattr(self, each.name) for each in dataclasses.fields(self.acts)})

    @property
    def every_one(self) -> bool:
        """Whether every such message meets it, or the first only."""
        return True

    def injection(self, site: Site) -> Injection:
        """Arm the relay; disarm it when healed."""
        return MessagesMet(self.kind, self.at, self.action(), site, every_one=self.every_one)


@dataclass(frozen=True, repr=False)
class WireFault(MessageFault):
    """A fault that the first such message meets, or with `always` every one."""

    always: bool = field(default=False, kw_only=True)

    @property
    def every_one(self) -> bool:
        """Whether every such message meets it, or the first only."""
        return self.always


@dataclass(frozen=True, repr=False)
class Cut(WireFault, kind="wire.cut"):
    """The connection is closed, both ways, when `after_bytes` of the message have passed, or `after` all of it.

    A message that has fewer bytes does not meet it, and passes.
    """

    acts: ClassVar[type[Action]] = actions.Cut
    after_bytes: int = field(default=0, kw_only=True)
    after: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, repr=False)
class Reset(WireFault, kind="wire.reset"):
    """The service sees the connection reset (RST) when `after_bytes` of the message have passed, or `after` all of it.

    A message that has fewer bytes does not meet it, and passes.
    """

    acts: ClassVar[type[Action]] = actions.Reset
    after_bytes: int = field(default=0, kw_only=True)
    after: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, repr=False)
class Stall(WireFault, kind="wire.stall"):
    """Nothing more passes on that connection, either way, from this message on, until healed."""

    acts: ClassVar[type[Action]] = actions.Stall


@dataclass(frozen=True, repr=False)
class Hold(MessageFault, kind="wire.hold"):
    """Every such message waits, and what comes after it; all go on, in order, when healed."""

    acts: ClassVar[type[Action]] = actions.Hold


@dataclass(frozen=True, repr=False)
class Drop(WireFault, kind="wire.drop"):
    """The message vanishes; everything else goes on."""

    acts: ClassVar[type[Action]] = actions.Drop


@dataclass(frozen=True, repr=False)
class DropAndClose(WireFault, kind="wire.drop_and_close"):
    """The message vanishes, and the connection is closed."""

    acts: ClassVar[type[Action]] = actions.DropAndClose


@dataclass(frozen=True, repr=False)
class Delay(WireFault, kind="wire.delay"):
    """The message, and what comes after it in its direction, passes `delay_ms` later."""

    acts: ClassVar[type[Action]] = actions.Delay
    delay_ms: int = field(kw_only=True)


@dataclass(frozen=True, repr=False)
class Late(WireFault, kind="wire.late"):
    """The answer arrives once the service has sent its next message on that connection: a reply for another request."""

    acts: ClassVar[type[Action]] = actions.Late


@dataclass(frozen=True, repr=False)
class Fail(WireFault, kind="wire.fail"):
    """The server's error in place of the statement or command, which is not carried out.

    `code`: a SQLSTATE, or the word that begins a Redis error. `fatal`: PostgreSQL ends the session with it.
    """

    acts: ClassVar[type[Action]] = actions.Fail
    code: str = field(kw_only=True)
    text: str = field(default="", kw_only=True)
    fatal: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, repr=False)
class Duplicate(WireFault, kind="wire.duplicate"):
    """The message passes twice: no service can mend that, but it can notice."""

    acts: ClassVar[type[Action]] = actions.Duplicate


@dataclass(frozen=True, repr=False)
class Corrupt(WireFault, kind="wire.corrupt"):
    """One bit of the message's byte `at_byte`, from 0, is turned: no service can mend that, but it can notice."""

    acts: ClassVar[type[Action]] = actions.Corrupt
    at_byte: int = field(kw_only=True)


@dataclass(frozen=True, repr=False)
class Order(Fault, kind="wire.order"):
    """Each message waits until those before it have been passed on. `fired` counts those that were."""

    messages: tuple[Message, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.messages) < FEWEST_TO_ORDER:
            problem = "one message, or none, has no order"
            raise UsageError.at(self.kind, "messages", self.messages, problem, mend="name two or more")

    def injection(self, site: Site) -> Injection:
        """Hold them all, and let them go one by one."""
        return InOrder(self.kind, self.messages, site)


def order(*messages: Message) -> Order:
    """Each message waits until those before it have been passed on."""
    return Order(messages)


def _check_direction(place: str, at: Message, directions: Sequence[Direction]) -> None:
    """Refuse a message that goes the way in which this cannot be done to it. Raises UsageError."""
    if at.direction not in directions:
        problem, mend = f"meets only what is {directions[0]}", f"write {at.link!r}.{directions[0]}({at.text!r})"
        raise UsageError.at(place, "at", at, problem, mend=mend)


cut, reset, stall, hold, delay, drop, drop_and_close = Cut, Reset, Stall, Hold, Delay, Drop, DropAndClose
fail, late, duplicate, corrupt = Fail, Late, Duplicate, Corrupt
