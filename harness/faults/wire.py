"""The relay: one message of PostgreSQL's or Redis's protocol meets the fault instead of passing.

`wire.cut(postgres.sent("COMMIT"))`: the COMMIT never arrives. `wire.cut(postgres.answered("COMMIT"))`:
it is applied, and its answer is lost. Once, unless `always`. What came before the message, in the same
read too, is passed on first; nothing else is touched.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.errors import UsageError
from harness.faults._messages_met import MessagesMet
from harness.faults._order import InOrder
from harness.faults.fault import Fault, Injection
from harness.faults.site import Site
from harness.relay import Direction, check_action, rules
from harness.vocabulary import Message

FEWEST_TO_ORDER = 2


@dataclass(frozen=True, repr=False)
class WireFault(Fault):
    """A fault that one message meets."""

    at: Message
    always: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        action = self.action()  # refuses what the relay can do to no message
        _goes(self.kind, self.at, action.directions)
        check_action(self.kind, action, self.at.message, self.at.link.protocol)

    @abstractmethod
    def action(self) -> rules.Action:
        """What the relay does with the message."""

    @property
    def every_one(self) -> bool:
        """Whether every such message meets it, or the first only."""
        return self.always

    def injection(self, site: Site) -> Injection:
        """Arm the relay; disarm it when healed."""
        return MessagesMet(self.kind, self.at, self.action(), site, every_one=self.every_one)


@dataclass(frozen=True, repr=False)
class Closing(WireFault):
    """A fault that ends the connection after a number of the message's bytes, or `after` all of them.

    A message that has fewer bytes does not meet it, and passes.
    """

    after_bytes: int = field(default=0, kw_only=True)
    after: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.after and self.after_bytes:
            problem, mend = "after all of them, or after so many?", "leave one of the two out"
            raise UsageError.at(self.kind, "after_bytes", self.after_bytes, problem, mend=mend)

    @property
    def passing(self) -> int | None:
        """How many bytes of the message pass first; None: all."""
        return None if self.after else self.after_bytes


@dataclass(frozen=True, repr=False)
class Cut(Closing, kind="wire.cut"):
    """The connection is closed, both ways, when `after_bytes` of the message have passed."""

    def action(self) -> rules.Action:
        """Close."""
        return rules.Cut(self.passing)


@dataclass(frozen=True, repr=False)
class Reset(Closing, kind="wire.reset"):
    """The service sees the connection reset (RST) when `after_bytes` of the message have passed."""

    def action(self) -> rules.Action:
        """Reset."""
        return rules.Reset(self.passing)


@dataclass(frozen=True, repr=False)
class Stall(WireFault, kind="wire.stall"):
    """Nothing more passes on that connection, either way, from this message on, until healed."""

    def action(self) -> rules.Action:
        """Let nothing pass."""
        return rules.Stall()


@dataclass(frozen=True, repr=False)
class Hold(Fault, kind="wire.hold"):
    """Every such message waits, and what comes after it; all go on, in order, when healed."""

    at: Message

    def injection(self, site: Site) -> Injection:
        """Hold them; let them go when healed."""
        return MessagesMet(self.kind, self.at, rules.Hold(), site, every_one=True)


@dataclass(frozen=True, repr=False)
class Delay(WireFault, kind="wire.delay"):
    """The message, and what comes after it in its direction, passes `delay_ms` later."""

    delay_ms: int = field(kw_only=True)

    def action(self) -> rules.Action:
        """Pass it on later."""
        return rules.Delay(self.delay_ms)


@dataclass(frozen=True, repr=False)
class Drop(WireFault, kind="wire.drop"):
    """The message vanishes; everything else goes on."""

    def action(self) -> rules.Action:
        """Leave it out."""
        return rules.Drop()


@dataclass(frozen=True, repr=False)
class DropAndClose(WireFault, kind="wire.drop_and_close"):
    """The message vanishes, and the connection is closed."""

    def action(self) -> rules.Action:
        """Leave it out, and close."""
        return rules.DropAndClose()


@dataclass(frozen=True, repr=False)
class Fail(WireFault, kind="wire.fail"):
    """The server's error in place of the statement or command, which is not carried out.

    `code`: a SQLSTATE, or the word that begins a Redis error. `fatal`: PostgreSQL ends the session with it.
    """

    code: str = field(kw_only=True)
    text: str = field(default="", kw_only=True)
    fatal: bool = field(default=False, kw_only=True)

    def action(self) -> rules.Action:
        """Answer in the server's place."""
        return rules.Fail(self.code, self.text, self.fatal)


@dataclass(frozen=True, repr=False)
class Late(WireFault, kind="wire.late"):
    """The answer arrives once the service has sent its next message on that connection: a reply for another request."""

    def action(self) -> rules.Action:
        """Keep it until then."""
        return rules.Late()


@dataclass(frozen=True, repr=False)
class Duplicate(WireFault, kind="wire.duplicate"):
    """The message passes twice: no service can mend that, but it can notice."""

    def action(self) -> rules.Action:
        """Send it twice."""
        return rules.Duplicate()


@dataclass(frozen=True, repr=False)
class Corrupt(WireFault, kind="wire.corrupt"):
    """One bit of the message's byte `at_byte`, from 0, is turned: no service can mend that, but it can notice."""

    at_byte: int = field(kw_only=True)

    def action(self) -> rules.Action:
        """Turn its lowest bit."""
        return rules.Corrupt(self.at_byte)


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


def _goes(place: str, at: Message, directions: Sequence[Direction]) -> None:
    if at.direction not in directions:
        problem, mend = f"meets only what is {directions[0]}", f"write {at.link!r}.{directions[0]}({at.text!r})"
        raise UsageError.at(place, "at", at, problem, mend=mend)


cut, reset, stall, hold, delay, drop, drop_and_close = Cut, Reset, Stall, Hold, Delay, Drop, DropAndClose
fail, late, duplicate, corrupt = Fail, Late, Duplicate, Corrupt
