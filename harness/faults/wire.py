"""Faults that strike at one message of a link's protocol. The relay carries them out.

`wire.cut(postgres.sent("COMMIT"))`: the COMMIT never arrives. `wire.cut(postgres.answered("COMMIT"))`: it is applied,
and its answer is lost. Only the first such message is struck, unless `always` is given. The relay passes on what came
before the message, even in the same read, and touches nothing else.
"""

# To add a fault, write what the relay does into harness/relay/rules/actions.py, and here its class, with the action's
# fields and what a sweep does with it, and its name in the last lines.

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from harness.faults.clients.hang_up import HangUp
from harness.faults.example import Example, Ground
from harness.faults.link import cut as cut_link
from harness.faults.messages.message import Closing, MessageFault, Swept, WireFault
from harness.faults.messages.order import order as order  # noqa: PLC0414  # one of the names that scenarios use
from harness.history.events import MessageMet
from harness.relay import Action
from harness.relay.rules import actions

SWEEP_DELAY_MS = 100


@dataclass(frozen=True, repr=False)
class Cut(Closing, kind="wire.cut"):
    """The connection is closed, both ways, when `after_bytes` of the message, or (`after`) all of it, have passed.

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

    does: ClassVar[str] = "close the connection at {at}{fault.when}"
    waits_are_seen: ClassVar[bool] = True
    acts: ClassVar[type[Action]] = actions.Cut
    swept: ClassVar[Swept] = {"cut_before": lambda _: actions.Cut(), "cut_after": lambda _: actions.Cut(after=True)}


@dataclass(frozen=True, repr=False)
class Reset(Closing, kind="wire.reset"):
    """The service sees a reset (RST) when `after_bytes` of the message, or (`after`) all of it, have passed.

    For example::

        async with lab.inject(wire.reset(redis.answered("SET"), after_bytes=2)):
            await lab.deliver()

    A read then fails with ECONNRESET; on a closed connection it would return an end of file (recv(2)).

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

    does: ClassVar[str] = "reset the connection at {at}{fault.when}"
    waits_are_seen: ClassVar[bool] = True
    acts: ClassVar[type[Action]] = actions.Reset
    swept: ClassVar[Swept] = {
        "reset_before": lambda _: actions.Reset(),
        "reset_after": lambda _: actions.Reset(after=True),
    }


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

    does: ClassVar[str] = "let nothing more pass from {at} on"
    acts: ClassVar[type[Action]] = actions.Stall
    swept: ClassVar[Swept] = {"stall": lambda _: actions.Stall()}


@dataclass(frozen=True, repr=False)
class Hold(MessageFault, kind="wire.hold"):
    """Every such message waits, and everything after it. When healed, all of it passes, in order.

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

    does: ClassVar[str] = "hold {at} until healed"
    acts: ClassVar[type[Action]] = actions.Hold
    swept_on_demand: ClassVar[Swept] = {"deadline": lambda _: actions.Hold()}
    """Each try of the request is held until the request has ended, so that its deadline passes exactly there."""
    not_swept: ClassVar[str] = "a hold ends by another event: the orders of interleave, and scenarios, have it"

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """It delays the delivery."""
        return Example(cls(ground.sent), met="until met")


@dataclass(frozen=True, repr=False)
class Drop(WireFault, kind="wire.drop"):
    """The message vanishes; everything else goes on.

    For example::

        async with lab.inject(wire.drop(redis.answered("SET"))):
            await lab.deliver()

    The connection stays open, so the reader waits for the message, or mistakes the next one for it.

    Args:
        at: the message, such as `postgres.sent("COMMIT")`.
        always: every such message, not only the first one.

    Raises:
        UsageError: `at` is a message to which this cannot be done; the error says why.
    """

    does: ClassVar[str] = "let {at} vanish"
    acts: ClassVar[type[Action]] = actions.Drop
    swept: ClassVar[Swept] = {"drop": lambda _: actions.Drop()}


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

    does: ClassVar[str] = "let {at} vanish and close the connection"
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

    does: ClassVar[str] = "let {at} pass {fault.delay_ms} ms late"
    acts: ClassVar[type[Action]] = actions.Delay
    swept: ClassVar[Swept] = {"delay": lambda _: actions.Delay(SWEEP_DELAY_MS)}
    delay_ms: int = field(kw_only=True)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The answer is late, but in time."""
        return Example(cls(ground.answered, delay_ms=200))


@dataclass(frozen=True, repr=False)
class Late(WireFault, kind="wire.late"):
    """The answer arrives only after the service has sent its next message on that connection.

    For example::

        async with lab.inject(wire.late(redis.answered("SET"))):
            await lab.deliver(2)

    If a service gives up the first request and uses the connection again, it reads this answer as the reply to another
    request.

    Args:
        at: an answer, such as `redis.answered("SET")`.
        always: every such message, not only the first one.

    Raises:
        UsageError: `at` is a message to which this cannot be done; the error says why.
    """

    does: ClassVar[str] = "let {at} arrive only after the next request"
    acts: ClassVar[type[Action]] = actions.Late
    swept: ClassVar[Swept] = {"late": lambda _: actions.Late()}


@dataclass(frozen=True, repr=False)
class Fail(WireFault, kind="wire.fail"):
    """The server answers an error and does not carry out the statement or command.

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

    does: ClassVar[str] = "answer with the server's error {fault.code} at {at}"
    waits_are_seen: ClassVar[bool] = True
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


@dataclass(frozen=True, repr=False)
class Duplicate(WireFault, kind="wire.duplicate"):
    """The message passes twice. No service can repair that, but it can notice.

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

    does: ClassVar[str] = "let {at} pass twice"
    acts: ClassVar[type[Action]] = actions.Duplicate
    garbles: ClassVar[bool] = True
    swept: ClassVar[Swept] = {"duplicate": lambda _: actions.Duplicate()}

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """No service can repair that. What a server says when a connection starts may be said twice."""
        name = ground.sample.said_at_start
        if not name:
            return Example(cls(ground.answered))
        return Example(cls(ground.link.answered(message=name)), beside=(cut_link(ground.link),))


@dataclass(frozen=True, repr=False)
class Corrupt(WireFault, kind="wire.corrupt"):
    """One bit of the message's byte `at_byte` is inverted. No service can repair that, but it can notice.

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

    does: ClassVar[str] = "turn a bit of byte {fault.at_byte} of {at}"
    acts: ClassVar[type[Action]] = actions.Corrupt
    garbles: ClassVar[bool] = True
    swept: ClassVar[Swept] = {"corrupt": lambda length: actions.Corrupt(length // 2)}
    at_byte: int = field(kw_only=True)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The answer's first byte is wrong."""
        return Example(cls(ground.answered, at_byte=0))


cut, reset, stall, hold, delay, drop, drop_and_close = Cut, Reset, Stall, Hold, Delay, Drop, DropAndClose
fail, late, duplicate, corrupt, hang_up = Fail, Late, Duplicate, Corrupt, HangUp
