"""What courses work with, for one direction of a connection."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from harness.protocols.contract.frames import Direction
from harness.protocols.contract.message import Message
from harness.relay import _failing as failing
from harness.relay._failing import Insert, Repair
from harness.relay._held import Held
from harness.relay._lane import Lane
from harness.relay._rule_book import ArmedRule
from harness.relay.actions import Fail
from harness.relay.reports import Fired, Passed, Report


class Workshop(Protocol):
    """The connection, as its benches need it."""

    number: int
    hop: str
    service_port: int
    is_postgres: bool

    def tell(self, report: Report) -> None:
        """Tell the owner of the hop."""
        ...

    def passes_on(self, report: Passed) -> None:
        """Tell that what was held passes from now on."""
        ...

    def has_fired(self, armed: ArmedRule) -> None:
        """Remember it for the rules that come after it."""
        ...

    def is_back(self, armed: ArmedRule) -> None:
        """Have a rule in force again."""
        ...

    def end_by_rule(self, message: Message, *, reset: bool) -> None:
        """Close both sides."""
        ...

    def add_held(self, held: Held, *, late: bool, delay_s: float | None) -> None:
        """Keep what is held, and see that it is released in time."""
        ...

    def withdraw(self, message: Message) -> None:
        """Forget a sent message that the server never saw."""
        ...

    def add_insert(self, insert: Insert) -> None:
        """Put bytes in as soon as all earlier answers have passed."""
        ...

    def add_repair(self, repair: Repair, *, skip_to_sync: bool) -> None:
        """Work on the answers of one exchange."""
        ...

    def confirmations_due(self, message: Message) -> tuple[int, int]:
        """Return how many Parse and Bind the service has sent since its last Sync, before this message."""
        ...


class DirectionBench:
    """One direction's bench. `lanes`: this direction's own first, then the other."""

    def __init__(self, workshop: Workshop, direction: Direction, lanes: Sequence[Lane]) -> None:
        self._workshop = workshop
        self._direction = direction
        self._lanes = lanes
        self._names = itertools.count(1)
        self.forward: Callable[[bytes], None] = lanes[0].emit  # behind a blocker it waits

    def fire(self, armed: ArmedRule, message: Message, passed_bytes: int) -> None:
        """Report that the action was done."""
        workshop = self._workshop
        workshop.has_fired(armed)
        workshop.tell(
            Fired(
                rule=armed.id, hop=workshop.hop, connection=workshop.number, service_port=workshop.service_port,
                message=message.name, text=message.text, offset=message.frame.offset, passed_bytes=passed_bytes,
                t_ns=time.monotonic_ns(),
            )
        )  # fmt: skip

    def vanished(self, message: Message) -> None:
        """Forget a message that the server will never see. Of an answer there is nothing to forget."""
        if self._direction == "sent":
            self._workshop.withdraw(message)

    def not_done(self, armed: ArmedRule) -> None:
        """Put the rule back in force."""
        self._workshop.is_back(armed)

    def end(self, message: Message, *, reset: bool) -> None:
        """Close both sides."""
        self._workshop.end_by_rule(message, reset=reset)

    def hold(self, armed: ArmedRule, message: Message, *, both_ways: bool, late: bool, delay_s: float | None) -> None:
        """Block this direction, or both."""
        workshop = self._workshop

        def passed(t_ns: int) -> Passed:
            return Passed(
                rule=armed.id, hop=workshop.hop, connection=workshop.number, service_port=workshop.service_port,
                message=message.name, text=message.text, offset=message.frame.offset, t_ns=t_ns,
            )  # fmt: skip

        lanes = self._lanes if both_ways else self._lanes[:1]
        held = Held(armed, workshop.number, lanes, passed, workshop.passes_on)
        workshop.add_held(held, late=late, delay_s=delay_s)

    def fail(self, armed: ArmedRule, message: Message) -> None:
        """Have an error come in the place of the answer."""
        action = armed.rule.action
        if not isinstance(action, Fail):
            raise TypeError(f"{action!r} is no Fail")
        workshop = self._workshop
        if not workshop.is_postgres:
            workshop.withdraw(message)
            workshop.add_insert(Insert(message.exchange, failing.redis_error(action)))
        elif action.fatal:
            workshop.add_insert(Insert(message.exchange, failing.error_response(action), closes=message))
        else:
            self._fail_at_the_server(action, message)

    def _fail_at_the_server(self, action: Fail, message: Message) -> None:
        rolls_back = message.phase == "commit" and message.runs
        sql = "ROLLBACK" if rolls_back else failing.raising(action)
        error = failing.error_response(action) if rolls_back else None
        simple = message.name in ("Query", "FunctionCall")
        parses, binds = self._workshop.confirmations_due(message)
        if simple:
            self.forward(failing.query(sql))
        else:
            self.forward(failing.parse_bind_execute(f"relay {next(self._names)}", sql))
        if error is not None or not simple:
            repair = Repair(message.exchange, not simple, parses, binds, error)
            self._workshop.add_repair(repair, skip_to_sync=rolls_back and not simple)
