"""Units other than a plain message: a whole answer, a changed message, one that is dropped or refused."""

from __future__ import annotations

from collections.abc import Callable

from harness.protocols.contract.message import Message
from harness.relay.connection.course import AnyRuleCourse, Course
from harness.relay.connection.flights import Flight
from harness.relay.rules.rule_book import ArmedRule


class WholeAnswer(Course):
    """Withholds an answer until it is complete, then gives the whole answer to a rule's course.

    A service may wait for an answer before it completes its exchange. Then a message that `concludes` the answer, by
    the protocol's grammar, completes it.
    """

    __slots__ = (
        "_complete", "_concludes", "_course", "_ends_with_stream", "_exchange", "_flight", "_gone", "_own", "_pieces",
        "over",
    )  # fmt: skip

    def __init__(self, course: AnyRuleCourse, flight: Flight, concludes: frozenset[str]) -> None:
        self._course = course
        self._concludes = concludes
        self._flight = flight
        self._exchange = course.message.exchange
        self._pieces: list[tuple[bytes, bool]] = []  # with whether they belong to the answer
        self._own = True
        self._gone = False  # the rule was disarmed or has given up
        self._complete = False  # its last message has begun to come
        self._ends_with_stream = False
        self.over = False
        """No further message belongs to it."""

    def next(self, message: Message) -> None:
        """Set the message of the next pieces: there may be a notice within the answer."""
        self._own = message.exchange == self._exchange
        ends = message.ends_answer or (message.name in self._concludes and not self._flight.whole)
        self._complete = self._own and ends
        self._ends_with_stream = message.frame.ends_with_stream

    def take(self, data: bytes, *, last: bool) -> None:
        """Keep a piece. With the last one, give the answer to the course."""
        if self._gone:
            self._course.bench.forward(data)
            return
        self._pieces.append((data, self._own))
        if last and self._complete:
            self._act()

    def stream_ends(self) -> None:
        """The stream has ended: that completes an answer that has no other end."""
        if self._complete and self._ends_with_stream and not self._gone:
            self._act()
        else:
            self.give_up()

    def _act(self) -> None:
        self.over = True
        pieces, self._pieces = self._pieces, []
        ends = len(pieces) - 1
        for index, (piece, own) in enumerate(pieces):
            if own:
                self._course.take(piece, last=index == ends)
            else:
                self._course.aside(piece)

    def give_up(self) -> None:
        """Forward everything; the rule is in force again."""
        if self._gone or self.over:
            return
        self._gone = self.over = True
        self._course.bench.not_done(self._course.armed)
        pieces, self._pieces = self._pieces, []
        for piece, _ in pieces:
            self._course.bench.forward(piece)

    def cancel(self, armed: ArmedRule) -> None:
        """Forward everything: the rule was disarmed."""
        if armed is self._course.armed:
            self.give_up()


class Swallowed(Course):
    """A message that is dropped: an answer to the relay's own request, or one that a failed server would skip."""

    __slots__ = ()

    def take(self, data: bytes, *, last: bool) -> None:
        """Drop the piece."""


class Refused(Course):
    """A message that ends the connection. The server never receives it."""

    __slots__ = ("_refuse",)

    def __init__(self, refuse: Callable[[], None]) -> None:
        self._refuse = refuse

    def take(self, data: bytes, *, last: bool) -> None:
        """Refuse as soon as the message is known."""
        del data, last
        self._refuse()


class Replaced(Course):
    """A message that is replaced by other bytes."""

    __slots__ = ("_complete", "_course", "_data")

    def __init__(self, course: Course, data: bytes) -> None:
        self._course = course
        self._data = data

    def take(self, data: bytes, *, last: bool) -> None:
        """Give the other bytes to the course once the whole message has come."""
        del data
        if last:
            self._course.take(self._data, last=True)
