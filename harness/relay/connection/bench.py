"""The means by which an action's course acts on its connection, for one direction."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.protocols.contract.failure import Failure, ServerError
from harness.protocols.contract.frames import Direction
from harness.protocols.contract.message import Message
from harness.relay.connection.flow import Flow
from harness.relay.connection.held import Held
from harness.relay.control.reports import Fired, Passed, Report
from harness.relay.rules.actions import Fail
from harness.relay.rules.rule_book import ArmedRule


@dataclass(slots=True)
class Insert:
    """Bytes that replace the answer to `exchange`. `closes`: the connection ends with them, at this message."""

    exchange: int
    data: bytes
    closes: Message | None = None


class Workshop(Protocol):
    """What the benches need from their connection's engine."""

    number: int
    hop: str
    service_port: int

    def tell(self, report: Report) -> None:
        """Report to the control connection that owns the hop."""
        ...

    def subject_of(self, message: Message) -> str:
        """The subject of the message's statement, if it is known; else ""."""
        ...

    def passes_on(self, report: Passed) -> None:
        """Report that a held message passes from now on."""
        ...

    def has_fired(self, armed: ArmedRule) -> None:
        """Remember that the rule fired: other rules may wait for it."""
        ...

    def is_back(self, armed: ArmedRule) -> None:
        """Put a rule back in force."""
        ...

    def end_by_rule(self, message: Message, *, reset: bool) -> None:
        """Close both sides of the connection."""
        ...

    def add_held(self, held: Held, *, late: bool, delay_s: float | None) -> None:
        """Remember what is held, and schedule its release."""
        ...

    def withdraw(self, message: Message) -> None:
        """Forget a sent message that the server never received."""
        ...

    def undelivered(self) -> None:
        """The service does not get the latest answer."""
        ...

    def add_insert(self, insert: Insert) -> None:
        """Send these bytes as soon as all earlier answers have passed."""
        ...

    def failure(self, message: Message, error: ServerError) -> Failure:
        """Return the `Failure` by which the protocol makes this error the message's answer."""
        ...

    def follow_up(self, failure: Failure) -> None:
        """Change the rest of an exchange in which a message failed."""
        ...


class DirectionBench:
    """The bench of one direction. `flows`: this direction's first, then the other's."""

    def __init__(self, workshop: Workshop, direction: Direction, flows: Sequence[Flow]) -> None:
        self._workshop = workshop
        self._direction = direction
        self._flows = flows
        self.forward: Callable[[bytes], None] = flows[0].emit  # behind a blocker it waits

    def fire(self, armed: ArmedRule, message: Message, passed_bytes: int) -> None:
        """Report that the action was carried out."""
        workshop = self._workshop
        workshop.has_fired(armed)
        workshop.tell(
            Fired(
                rule=armed.id, hop=workshop.hop, connection=workshop.number, service_port=workshop.service_port,
                message=message.name, text=message.text, offset=message.frame.offset, passed_bytes=passed_bytes,
                t_ns=time.monotonic_ns(),  # before anything that takes time: it fires now
                subject=workshop.subject_of(message),
            )
        )  # fmt: skip

    def vanished(self, message: Message) -> None:
        """Forget a message that does not reach its receiver."""
        if self._direction == "sent":
            self._workshop.withdraw(message)
        else:
            self._workshop.undelivered()

    def not_done(self, armed: ArmedRule) -> None:
        """Put the rule back in force."""
        self._workshop.is_back(armed)

    def end(self, message: Message, *, reset: bool) -> None:
        """Close both sides of the connection."""
        if self._direction == "answered":
            self._workshop.undelivered()
        self._workshop.end_by_rule(message, reset=reset)

    def hold(self, armed: ArmedRule, message: Message, *, both_ways: bool, late: bool, delay_s: float | None) -> None:
        """Block this direction, or both."""
        workshop = self._workshop

        def passed(t_ns: int) -> Passed:
            return Passed(
                rule=armed.id, hop=workshop.hop, connection=workshop.number, service_port=workshop.service_port,
                message=message.name, text=message.text, offset=message.frame.offset, t_ns=t_ns,
            )  # fmt: skip

        flows = self._flows if both_ways else self._flows[:1]
        held = Held(armed, workshop.number, flows, passed, workshop.passes_on)
        workshop.add_held(held, late=late, delay_s=delay_s)

    def fail(self, armed: ArmedRule, message: Message) -> None:
        """Replace the answer with an error."""
        action = armed.rule.action
        if not isinstance(action, Fail):
            raise TypeError(f"{action!r} is no Fail")
        workshop = self._workshop
        failure = workshop.failure(message, ServerError(action.code, action.text, action.fatal))
        if failure.to_server:
            self.forward(failure.to_server)
        elif not failure.closes:
            workshop.withdraw(message)
        if failure.to_service:
            closes = message if failure.closes else None
            workshop.add_insert(Insert(message.exchange, failure.to_service, closes))
        workshop.follow_up(failure)
