"""The exchanges of one connection that are not answered yet.

A client may send several requests before it reads an answer (pipelining), and an answer does not repeat its request. So
the relay remembers the requests, to know which request an answer belongs to, and what was unfinished when a connection
ended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.protocols.contract.message import Message, Phase, Unfinished
from harness.protocols.contract.speech import Grammar
from harness.relay.rules.rule_book import Sight


@dataclass(slots=True)
class Flight:
    """One exchange that is not answered yet: its first text, and its statements until their answers begin.

    `whole`: the service has sent all of it, so its answer can end. `wanted`: a rule may concern a message of the
    answer, by the text of one of `sights`.
    """

    text: str
    phase: Phase
    statements: list[tuple[Sight, Sequence[bytes]]] = field(default_factory=list)
    whole: bool = True
    sights: list[Sight] = field(default_factory=list)
    wanted: bool = False


class Flights:
    """The unanswered exchanges, oldest first, and the latest message."""

    __slots__ = ("_completes", "_continues", "_goodbyes", "_open", "latest", "wanted")

    def __init__(self, grammar: Grammar) -> None:
        self._continues, self._completes, self._goodbyes = grammar.continues, grammar.completes, grammar.goodbyes
        self._open: dict[int, Flight] = {}
        self.latest: Message | None = None
        self.wanted = False
        """Whether a rule can concern an answer that is due."""

    def sent(self, message: Message, sight: Sight) -> Flight | None:
        """Record a sent message; return its exchange, or None if it belongs to none."""
        self.latest = message
        exchange = message.exchange
        if not exchange:
            return None
        flight = self._open.get(exchange)
        if flight is None:
            flight = self._open[exchange] = Flight(message.text, message.phase)
            flight.whole = message.name not in self._continues
        elif message.name in self._completes:
            flight.whole = True
        elif not flight.text:
            flight.text, flight.phase = message.text, message.phase
        flight.sights.append(sight)
        if sight.answers_wanted:
            flight.wanted = self.wanted = True
        return flight

    def reassess(self, refresh: Callable[[Sight], None]) -> None:
        """Update which rules concern the answers that are due, because the rules in force have changed."""
        for flight in self._open.values():
            for sight in flight.sights:
                refresh(sight)
            flight.wanted = any(sight.answers_wanted for sight in flight.sights)
        self.wanted = any(flight.wanted for flight in self._open.values())

    def answered(self, message: Message) -> None:
        """Record an answer's message. The last one of an answer ends its exchange."""
        self.latest = message
        if message.ends_answer:
            self._drop(message.exchange)

    def get(self, exchange: int) -> Flight | None:
        """Return an exchange that is not answered yet."""
        return self._open.get(exchange)

    def withdraw(self, exchange: int) -> None:
        """Forget an exchange that the server never received."""
        self._open.pop(exchange, None)

    @property
    def any_open(self) -> bool:
        """Whether an exchange is not answered yet."""
        return bool(self._open)

    @property
    def said_goodbye(self) -> bool:
        """Whether the latest message was the service's farewell (PostgreSQL: Terminate)."""
        return self.latest is not None and self.latest.name in self._goodbyes

    @property
    def oldest(self) -> Unfinished | None:
        """The unfinished part of the oldest exchange; None if every exchange is answered."""
        for flight in self._open.values():  # in the order in which they began
            return Unfinished(flight.phase, flight.text, "answered")
        return None

    def _drop(self, exchange: int) -> None:
        """Forget an exchange and those before it.

        Servers answer in order, so earlier exchanges can get no more answers.
        """
        for earlier in list(self._open):
            if earlier > exchange:
                break
            del self._open[earlier]
        if self.wanted:
            self.wanted = any(flight.wanted for flight in self._open.values())
