"""Faults that strike at one message of a link's protocol. The relay carries them out.

`wire.cut(postgres.sent("COMMIT"))`: the COMMIT never arrives. `wire.cut(postgres.answered("COMMIT"))`: it is applied,
and its answer is lost. Only the first such message is struck, unless `always` is given. The relay passes on what came
before the message, in the same read too, and touches nothing else.
"""

# To add a fault, write what the relay does into harness/relay/actions.py, and here its class, with the action's fields
# and what a sweep does with it, and its name in the last lines.

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from harness.errors import UsageError
from harness.faults._messages_met import MessagesMet
from harness.faults._order import InOrder
from harness.faults.evidence import EvidenceKind
from harness.faults.example import Example, Ground
from harness.faults.fault import Fault, Injection
from harness.faults.link import cut as cut_link
from harness.faults.site import Site
from harness.history.events import MessageMet
from harness.relay import Action, Direction, actions, check_action
from harness.vocabulary import Message

FEWEST_TO_ORDER = 2
SWEEP_DELAY_MS = 100
Swept: TypeAlias = Mapping[str, Callable[[int], Action]]
"""What a sweep has the relay do to a message of so many bytes, by the name in the sweep's map."""


def carried_out(kind: str) -> EvidenceKind:
    """Return the relay's evidence for a fault of this kind."""
    words = "the relay did it, and reports to which message, on which connection, at which byte"
    return EvidenceKind(kind.replace(".", "_"), "relay", words)


@dataclass(frozen=True, repr=False)
class MessageFault(Fault):
    """A fault that strikes at messages.

    The relay carries out `acts`, whose fields the fault has under the same names.
    """

    acts: ClassVar[type[Action]]
    swept: ClassVar[Swept] = {}
    """What a sweep does with it at every message."""
    not_swept: ClassVar[str] = ""
    """Why a sweep leaves it out."""
    garbles: ClassVar[bool] = False
    """Whether it does to a stream what TCP never does: no service can survive it, but it can notice."""
    at: Message

    def __init_subclass__(cls, *, kind: str = "") -> None:
        """Register it; its evidence is the relay's report that the action was carried out."""
        super().__init_subclass__(kind=kind)
        if kind:
            cls.evidence = (carried_out(kind),)

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
        """Whether it strikes at every such message, or at the first only."""
        return True

    @classmethod
    def example(cls, ground: Ground) -> Example | None:
        """It strikes at the answer to one statement."""
        return Example(cls(ground.answered))

    @classmethod
    def swept_as(cls, met: MessageMet) -> str:
        """The name, in a sweep's map, of what was done to this message."""
        del met
        return next(iter(cls.swept), "")

    def injection(self, site: Site) -> Injection:
        """Arm the relay; disarm it when healed."""
        return MessagesMet(self.evidence[0], self.at, self.action(), site, every_one=self.every_one)


@dataclass(frozen=True, repr=False)
class WireFault(MessageFault):
    """A fault that strikes at the first such message, or with `always` at every one."""

    always: bool = field(default=False, kw_only=True)

    @property
    def every_one(self) -> bool:
        """Whether it strikes at every such message, or at the first only."""
        return self.always

    def words(self) -> str:
        """What it does, and if to every such message, that."""
        return f"{self.effect()}, every time" if self.always else self.effect()


@dataclass(frozen=True, repr=False)
class Closing(WireFault):
    """A fault that ends the connection, when `after_bytes` of the message have passed, or `after` all of it.

    A message that has fewer bytes passes as a whole, and the fault waits for the next one.
    """

    after_bytes: int = field(default=0, kw_only=True)
    after: bool = field(default=False, kw_only=True)

    @classmethod
    def swept_as(cls, met: MessageMet) -> str:
        """Whether it struck before or after the message. A cut within it has no name: sweeps count those by bytes."""
        before, after = cls.swept
        return after if met.whole else "" if met.passed_bytes else before

    @property
    def when(self) -> str:
        """At which of the message's bytes, in words."""
        if self.after_bytes:
            return f", once {self.after_bytes} bytes of it have passed"
        return ", once it has passed" if self.after else ""


@dataclass(frozen=True, repr=False)
class Cut(Closing, kind="wire.cut"):
    """The connection is closed, both ways, when `after_bytes` of the message have passed, or `after` all of it.

    For example::

        async with lab.inject(wire.cut(postgres.answered("COMMIT"))):
            await lab.deliver()

    Args:
        at: the message, such as `postgres.sent("COMMIT")`.
        always: every such message, not only the first one.
        after_bytes: how many bytes of the message pass first. A message that has fewer passes as a whole, and the fault
            waits for the next one.
        after: let the whole message pass first.

    Raises:
        UsageError: `after_bytes` is negative, or is given together with `after`; or this cannot be done to the
            message `at`.
    """

    acts: ClassVar[type[Action]] = actions.Cut
    swept: ClassVar[Swept] = {"cut_before": lambda _: actions.Cut(), "cut_after": lambda _: actions.Cut(after=True)}

    def effect(self) -> str:
        """What it does."""
        return f"close the connection at {self.at.words()}{self.when}"


@dataclass(frozen=True, repr=False)
class Reset(Closing, kind="wire.reset"):
    """The service sees the connection reset (RST) when `after_bytes` of the message have passed, or `after` all of it.

    For example::

        async with lab.inject(wire.reset(redis.answered("SET"), after_bytes=2)):
            await lab.deliver()

    A read then fails with ECONNRESET, where a closed connection gives an end of file (recv(2)).

    Args:
        at: the message, such as `postgres.sent("COMMIT")`.
        always: every such message, not only the first one.
        after_bytes: how many bytes of the message pass first. A message that has fewer passes as a whole, and the fault
            waits for the next one.
        after: let the whole message pass first.

    Raises:
        UsageError: `after_bytes` is negative, or is given together with `after`; or this cannot be done to the
            message `at`.
    """

    acts: ClassVar[type[Action]] = actions.Reset
    swept: ClassVar[Swept] = {
        "reset_before": lambda _: actions.Reset(),
        "reset_after": lambda _: actions.Reset(after=True),
    }

    def effect(self) -> str:
        """What it does."""
        return f"reset the connection at {self.at.words()}{self.when}"


@dataclass(frozen=True, repr=False)
class Stall(WireFault, kind="wire.stall"):
    """From this message on nothing passes on its connection, either way, until healed.

    For example::

        async with lab.inject(wire.stall(postgres.answered("INSERT"))):
            await lab.deliver()

    The connection stays open, as when a network drops packets silently. Other connections go on.

    Args:
        at: the message, such as `postgres.sent("COMMIT")`.
        always: every such message, not only the first one.

    Raises:
        UsageError: `at` is a message to which this cannot be done; the error says why.
    """

    acts: ClassVar[type[Action]] = actions.Stall
    swept: ClassVar[Swept] = {"stall": lambda _: actions.Stall()}

    def effect(self) -> str:
        """What it does."""
        return f"let nothing more pass from {self.at.words()} on"


@dataclass(frozen=True, repr=False)
class Hold(MessageFault, kind="wire.hold"):
    """Every such message waits, and what comes after it; all go on, in order, when healed.

    For example::

        held = wire.hold(postgres.sent("COMMIT"))
        async with lab.inject(held), lab.deliver():
            await lab.until(held.fired())

    Only the message's direction of its connection waits.

    Args:
        at: the message, such as `postgres.sent("COMMIT")`.

    Raises:
        UsageError: `at` is a message to which this cannot be done; the error says why.
    """

    acts: ClassVar[type[Action]] = actions.Hold
    not_swept: ClassVar[str] = "a hold ends by another event: the orders of interleave, and scenarios, have it"

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """It delays the delivery."""
        return Example(cls(ground.sent), met="until met")

    def effect(self) -> str:
        """What it does."""
        return f"hold {self.at.words()} until healed"


@dataclass(frozen=True, repr=False)
class Drop(WireFault, kind="wire.drop"):
    """The message vanishes; everything else goes on.

    For example::

        async with lab.inject(wire.drop(redis.answered("SET"))):
            await lab.deliver()

    The connection stays open, so the reader waits for the message, or takes the next one for it.

    Args:
        at: the message, such as `postgres.sent("COMMIT")`.
        always: every such message, not only the first one.

    Raises:
        UsageError: `at` is a message to which this cannot be done; the error says why.
    """

    acts: ClassVar[type[Action]] = actions.Drop
    swept: ClassVar[Swept] = {"drop": lambda _: actions.Drop()}

    def effect(self) -> str:
        """What it does."""
        return f"let {self.at.words()} vanish"


@dataclass(frozen=True, repr=False)
class DropAndClose(WireFault, kind="wire.drop_and_close"):
    """The message vanishes, and the connection is closed.

    For example::

        async with lab.inject(wire.drop_and_close(postgres.sent("INSERT"))):
            await lab.deliver()

    The close comes once the message has arrived at the relay as a whole.

    Args:
        at: the message, such as `postgres.sent("COMMIT")`.
        always: every such message, not only the first one.

    Raises:
        UsageError: `at` is a message to which this cannot be done; the error says why.
    """

    acts: ClassVar[type[Action]] = actions.DropAndClose
    not_swept: ClassVar[str] = "the service and the server see what cut_before shows them"

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The statement never arrives."""
        return Example(cls(ground.sent))

    @classmethod
    def swept_as(cls, met: MessageMet) -> str:
        """The service and the server see the same as with a cut before the message."""
        del met
        return "cut_before"

    def effect(self) -> str:
        """What it does."""
        return f"let {self.at.words()} vanish and close the connection"


@dataclass(frozen=True, repr=False)
class Delay(WireFault, kind="wire.delay"):
    """The message, and what comes after it in its direction, passes `delay_ms` later.

    For example::

        async with lab.inject(wire.delay(postgres.answered("COMMIT"), delay_ms=200)):
            await lab.deliver()

    Args:
        at: the message, such as `postgres.sent("COMMIT")`.
        always: every such message, not only the first one.
        delay_ms: milliseconds, from 1 to a day.

    Raises:
        UsageError: `delay_ms` is outside of its limits, or this cannot be done to the message `at`.
    """

    acts: ClassVar[type[Action]] = actions.Delay
    swept: ClassVar[Swept] = {"delay": lambda _: actions.Delay(SWEEP_DELAY_MS)}
    delay_ms: int = field(kw_only=True)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The answer is late, but in time."""
        return Example(cls(ground.answered, delay_ms=200))

    def effect(self) -> str:
        """What it does."""
        return f"let {self.at.words()} pass {self.delay_ms} ms late"


@dataclass(frozen=True, repr=False)
class Late(WireFault, kind="wire.late"):
    """The answer arrives only after the service has sent its next message on that connection.

    For example::

        async with lab.inject(wire.late(redis.answered("SET"))):
            await lab.deliver(2)

    A service that has given the first request up, and uses the connection again, reads this answer as the reply to
    another request.

    Args:
        at: an answer, such as `redis.answered("SET")`.
        always: every such message, not only the first one.

    Raises:
        UsageError: `at` is a message to which this cannot be done; the error says why.
    """

    acts: ClassVar[type[Action]] = actions.Late
    swept: ClassVar[Swept] = {"late": lambda _: actions.Late()}

    def effect(self) -> str:
        """What it does."""
        return f"let {self.at.words()} arrive only after the next request"


@dataclass(frozen=True, repr=False)
class Fail(WireFault, kind="wire.fail"):
    """The server's error in place of the statement or command, which is not carried out.

    For example::

        async with lab.inject(wire.fail(postgres.sent("INSERT"), code="40001")):
            await lab.deliver()

    Args:
        at: what the service sends, such as `postgres.sent("INSERT")`.
        always: every such message, not only the first one.
        code: for PostgreSQL a SQLSTATE ("PostgreSQL Error Codes", an appendix of its manual), for Redis the word that
            begins the error (`READONLY`), for HTTP a status ("503").
        text: the error's message, one line; "" for the server's usual one.
        fatal: PostgreSQL ends the session with the error.

    Raises:
        UsageError: no server of this protocol gives such an error, or not at this message.
    """

    acts: ClassVar[type[Action]] = actions.Fail
    code: str = field(kw_only=True)
    text: str = field(default="", kw_only=True)
    fatal: bool = field(default=False, kw_only=True)

    @classmethod
    def example(cls, ground: Ground) -> Example | None:
        """An error that goes away when the service tries again. None for a protocol without errors."""
        code = ground.sample.busy_error
        return Example(cls(ground.sent, code=code)) if code else None

    @classmethod
    def swept_as(cls, met: MessageMet) -> str:
        """The error's code."""
        return met.code

    def effect(self) -> str:
        """What it does."""
        return f"answer with the server's error {self.code} at {self.at.words()}"


@dataclass(frozen=True, repr=False)
class Duplicate(WireFault, kind="wire.duplicate"):
    """The message passes twice: no service can mend that, but it can notice.

    For example::

        async with lab.inject(wire.duplicate(postgres.answered("COMMIT"))):
            await lab.deliver()

    TCP never does this to a stream. A broken proxy may.

    Args:
        at: the message, such as `postgres.sent("COMMIT")`.
        always: every such message, not only the first one.

    Raises:
        UsageError: `at` is a message to which this cannot be done; the error says why.
    """

    acts: ClassVar[type[Action]] = actions.Duplicate
    garbles: ClassVar[bool] = True
    swept: ClassVar[Swept] = {"duplicate": lambda _: actions.Duplicate()}

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """No service can mend that. What a server says when a connection starts may be said twice."""
        name = ground.sample.said_at_start
        if not name:
            return Example(cls(ground.answered))
        return Example(cls(ground.link.answered(message=name)), beside=(cut_link(ground.link),))

    def effect(self) -> str:
        """What it does."""
        return f"let {self.at.words()} pass twice"


@dataclass(frozen=True, repr=False)
class Corrupt(WireFault, kind="wire.corrupt"):
    """One bit of the message's byte `at_byte` is inverted: no service can mend that, but it can notice.

    For example::

        async with lab.inject(wire.corrupt(redis.answered("SET"), at_byte=0)):
            await lab.deliver()

    It is the lowest bit of the byte. A message that is shorter passes unchanged, and the fault waits for the next one.

    Args:
        at: the message, such as `postgres.sent("COMMIT")`.
        always: every such message, not only the first one.
        at_byte: which byte of the message, counted from 0.

    Raises:
        UsageError: `at_byte` is negative, or this cannot be done to the message `at`.
    """

    acts: ClassVar[type[Action]] = actions.Corrupt
    garbles: ClassVar[bool] = True
    swept: ClassVar[Swept] = {"corrupt": lambda length: actions.Corrupt(length // 2)}
    at_byte: int = field(kw_only=True)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The answer's first byte is wrong."""
        return Example(cls(ground.answered, at_byte=0))

    def effect(self) -> str:
        """What it does."""
        return f"turn a bit of byte {self.at_byte} of {self.at.words()}"


@dataclass(frozen=True, repr=False)
class Order(Fault, kind="wire.order"):
    """Each message waits until those before it have passed. Scenarios write `wire.order(first, second)`.

    For example::

        one, two = postgres.sent("INSERT", connection=1), postgres.sent("INSERT", connection=2)
        async with lab.inject(wire.order(two, one)):
            await lab.deliver(copies=2)

    `fired` counts the messages that have passed.

    Args:
        messages: two or more, in the order in which they pass.

    Raises:
        UsageError: there are fewer than two messages.
    """

    evidence: ClassVar[tuple[EvidenceKind, ...]] = (
        EvidenceKind("wire_order", "relay", "the relay let all of the messages pass, one after the other"),
    )
    messages: tuple[Message, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.messages) < FEWEST_TO_ORDER:
            problem = "fewer than two messages have no order"
            raise UsageError.at(self.kind, "messages", self.messages, problem, mend="name two or more")

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """Of two copies of a delivery the later overtakes the earlier, which waits for it."""
        first, second = (ground.link.sent(ground.sent.text, connection=number) for number in (1, 2))
        return Example(cls((second, first)), copies=2)

    def effect(self) -> str:
        """What it does."""
        said = [
            f"{each.words()} on connection {each.connection}" if each.connection is not None else each.words()
            for each in self.messages
        ]
        return f"let messages pass in this order only: {', then '.join(said)}"

    def injection(self, site: Site) -> Injection:
        """Hold all of them, and release one after the other."""
        return InOrder(self.evidence[0], self.messages, site)


def order(*messages: Message) -> Order:
    """Let messages pass in this order only: each waits until those before it have passed.

    For example::

        one, two = postgres.sent("INSERT", connection=1), postgres.sent("INSERT", connection=2)
        async with lab.inject(wire.order(two, one)):
            await lab.deliver(copies=2)

    Args:
        messages: two or more, such as the same statement on two connections.

    Raises:
        UsageError: there are fewer than two messages.
    """
    return Order(messages)


def _check_direction(place: str, at: Message, directions: Sequence[Direction]) -> None:
    """Refuse a message whose direction does not fit the action. Raises UsageError."""
    if at.direction not in directions:
        problem, mend = f"strikes only at what is {directions[0]}", f"write {at.link!r}.{directions[0]}({at.text!r})"
        raise UsageError.at(place, "at", at, problem, mend=mend)


cut, reset, stall, hold, delay, drop, drop_and_close = Cut, Reset, Stall, Hold, Delay, Drop, DropAndClose
fail, late, duplicate, corrupt = Fail, Late, Duplicate, Corrupt
