"""Plays one order: holds every statement of every request, and releases each when it is its turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.engine.observing.servers.stored import waiting_for_locks
from harness.engine.rig import Rig
from harness.engine.tasks import results
from harness.engine.workload.clients import Answer
from harness.errors import HarnessError
from harness.polling import poll_async
from harness.protocols.contract.search import SEARCHED, Transactions
from harness.relay import Ended, Fired, Hold, Match, Report, Rule
from harness.search.orders.orders import Choice, Order, choose
from harness.search.sweep.lane import Lane

SETTLED_WITHIN_S = 4.0
"""Until each request is held, waits for a lock, or is over: within the service's own limits."""
LOOK_EVERY_S = 0.002


class OrderNotPlayedError(HarnessError):
    """The order could not be played, so it proves nothing."""


Sending = Callable[[], Coroutine[Any, Any, Answer]]
Connection = tuple[str, int]
"""A hop, and the number of the connection on it."""


@dataclass(slots=True)
class _Request:
    """An open request. `connection`: the connection of its transaction.

    `held`: its statement that the relay holds.
    """

    number: int
    sending: asyncio.Task[Answer]
    connection: Connection | None = None
    held: Fired | None = None

    @property
    def over(self) -> bool:
        return self.sending.done()


@dataclass(slots=True)
class Played:
    """A played order. `told`: one line for each statement. `waits`: how often a request waited for a lock."""

    choices: list[Choice] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    waits: int = 0
    answers: Sequence[Answer] = ()

    @property
    def order(self) -> Order:
        """The numbers of the requests whose statements were released, in sequence."""
        return tuple(choice.chosen for choice in self.choices)


class Interleaver:
    """Plays orders on one lane. Only statements inside of transactions are held."""

    def __init__(self, lane: Lane, rig: Rig, name: str) -> None:
        self._lane = lane
        self._rig = rig
        self._rules = dict(_holds(lane, name))
        self._requests: list[_Request] = []
        self._told_by = {rule.id: transactions for rule, transactions in self._rules.items()}
        self._in_transaction: set[Connection] = set()
        self._news = asyncio.Event()
        self._loose: list[Fired] = []

    async def play(
        self, played: Played, sends: Sequence[Sending], beginning: Order, *, between: Callable[[], Awaitable[None]]
    ) -> None:
        """Send each request once the one before is held at its first statement, then release statements.

        `between` is called after each request has begun. `played` is filled even if the order cannot go on: that raises
        OrderNotPlayedError.
        """
        unsubscribe = self._lane.relay.on_report(self._heard)
        try:
            for rule in self._rules:
                await self._lane.relay.arm(rule)
            for number, send in enumerate(sends, 1):
                request = _Request(number, asyncio.create_task(send()))
                request.sending.add_done_callback(lambda _: self._news.set())
                self._requests.append(request)
                await self._settle(played)
                await between()
            while not all(request.over for request in self._requests):
                await self._let_one_through(played, beginning)
        finally:
            unsubscribe()
            for rule in self._rules:
                await self._lane.relay.disarm(rule.id)
            played.answers = await results([request.sending for request in self._requests])

    async def _let_one_through(self, played: Played, beginning: Order) -> None:
        possible = tuple(request.number for request in self._requests if request.held is not None)
        if not possible:
            raise OrderNotPlayedError("every request waits for a lock, and none can go on")
        chosen = choose(possible, beginning, len(played.choices))
        if chosen is None:
            turn = len(played.choices)
            whose = beginning[turn]
            raise OrderNotPlayedError(
                f"statement {turn + 1} should be request {whose}'s, which waits for a lock, or is over",
                hint=f"possible here: {', '.join(map(str, possible))}",
            )
        request = self._requests[chosen - 1]
        held, request.held = request.held, None
        if held is None:
            raise OrderNotPlayedError(f"nothing of request {chosen} is held")
        played.choices.append(Choice(chosen, possible))
        played.told.append(f"{chosen}: {held.text.split(maxsplit=1)[0]} on connection {held.connection}")
        await self._release(held)
        await self._settle(played)

    async def _release(self, held: Fired) -> None:
        word, transactions = _first_word(held.text), self._told_by[held.rule]
        if word in transactions.closing:
            self._in_transaction.discard(_connection(held))
            for request in self._requests:
                if request.connection == _connection(held):
                    request.connection = None
        elif word in transactions.opening:
            self._in_transaction.add(_connection(held))
        await self._lane.relay.release(held.rule, connection=held.connection, count=1)

    def _heard(self, report: Report) -> None:
        if isinstance(report, Fired) and report.rule in self._told_by:
            self._loose.append(report)
            self._news.set()
        elif isinstance(report, Ended):
            self._in_transaction.discard(_connection(report))

    async def _settle(self, played: Played) -> None:
        """Wait until each request is held, has ended, or waits for a lock according to the server."""
        waited = 0

        async def settled() -> bool:
            nonlocal waited
            await self._sort()
            running = [request for request in self._requests if request.held is None and not request.over]
            if not running:
                return True
            waited = await waiting_for_locks(self._rig)
            return waited >= len(running)

        if not await poll_async(settled, within_s=SETTLED_WITHIN_S, interval_s=LOOK_EVERY_S):
            raise OrderNotPlayedError(f"no request went on in {SETTLED_WITHIN_S:g} s, and none waits for a lock")
        played.waits += 1 if waited else 0

    async def _sort(self) -> None:
        """Assign each held statement to its request. A statement outside any transaction is released at once."""
        while self._loose:
            fired = self._loose.pop(0)
            opens = _first_word(fired.text) in self._told_by[fired.rule].opening
            if not opens and _connection(fired) not in self._in_transaction:
                await self._release(fired)
                continue
            request = self._whose(fired)
            request.connection = _connection(fired)
            request.held = fired

    def _whose(self, fired: Fired) -> _Request:
        known = [request for request in self._requests if request.connection == _connection(fired)]
        free = [request for request in self._requests if request.connection is None and request.held is None]
        candidates = known or [request for request in free if not request.over]
        if not candidates:
            raise OrderNotPlayedError(f"connection {fired.connection} belongs to no request: {fired.text!r}")
        return candidates[0]


def _holds(lane: Lane, name: str) -> Iterator[tuple[Rule, Transactions]]:
    """Yield a rule for each message that carries a statement, and the way to recognise its transaction."""
    for laid in lane.site.links.values():
        transactions = SEARCHED.of(laid.link.protocol).transactions
        if transactions is None:
            continue
        for message in transactions.looks:
            match = Match(direction="sent", message=message)
            rule = Rule(id=f"{name}/{laid.link}/{message}", hop=laid.hop, match=match, action=Hold(), always=True)
            yield rule, transactions


def _connection(report: Report) -> Connection:
    return report.hop, report.connection


def _first_word(text: str) -> str:
    return text.lstrip().partition(" ")[0].rstrip(";").lower()


__all__ = ["Interleaver", "OrderNotPlayedError", "Played"]
