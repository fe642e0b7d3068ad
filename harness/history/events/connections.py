"""What the relay saw of the service's connections, and of the errors on them."""

from __future__ import annotations

from dataclasses import dataclass

from harness.history.events.event import Event
from harness.vocabulary import Value


@dataclass(frozen=True, repr=False)
class ConnectionUsed(Value, kind="connection_used"):
    """One connection. Times are CLOCK_MONOTONIC; 0: never, or not yet.

    `uses`: how often it began to wait for an answer, its login aside; `used_from_ns`, `used_until_ns`: from when to
    when for the last time. `by`: who ended it. `in_use`: it ended while an answer was due, or a transaction open.
    `idle_max_ms`: the longest time after which it was used again.
    """

    number: int
    opened_ns: int
    uses: int
    used_from_ns: int
    used_until_ns: int
    ended_ns: int
    by: str
    in_use: bool
    idle_max_ms: float

    @property
    def let_go(self) -> bool:
        """Whether the service ended it while it was idle."""
        return bool(self.ended_ns) and not self.in_use and self.by in ("service", "reset by service")


@dataclass(frozen=True, repr=False)
class ConnectionsSeen(Event, kind="connections.seen"):
    """The service's connections on a link that were open while the scenario ran. `forgotten`: how many more there were.

    `count`: how many there are in total. None is listed if none was lost, and the service let go of one at most.
    """

    link: str
    count: int
    connections: tuple[ConnectionUsed, ...]
    forgotten: int = 0


@dataclass(frozen=True, repr=False)
class ErrorMet(Value, kind="error_met"):
    """An error that answered a statement on a connection, by its number.

    `delivery`: the one that the statement is about; empty if it names none. `lost`: the service did not get it.
    `unread`: it may not have read it, since it ended the connection then. `own`: it is about that one request, and the
    connection is as good as before. `several`: the statement is about other deliveries, too.
    """

    t_ns: int
    connection: int
    delivery: str
    statement: str
    code: str
    text: str
    lost: bool
    unread: bool
    own: bool
    several: bool = False


@dataclass(frozen=True, repr=False)
class ErrorsMet(Event, kind="errors.met"):
    """The errors on a link while the scenario ran, in order. `more`: how many more there were."""

    link: str
    errors: tuple[ErrorMet, ...]
    more: int = 0


@dataclass(frozen=True, repr=False)
class ErrorLogged(Event, kind="error.logged"):
    """An error of a server on `link`, and what the service's log says about it.

    `met`: how many deliveries got it. `lines`: how many lines of the log have its code or its text. `untold`: the first
    of the deliveries for which no line does that names them, and `untold_count` of them. `owed`: each must have one.
    """

    link: str
    code: str
    text: str
    met: int
    lines: int
    untold: tuple[str, ...]
    untold_count: int
    owed: bool


@dataclass(frozen=True, repr=False)
class QuietTime(Value, kind="quiet_time"):
    """From when to when. CLOCK_MONOTONIC."""

    from_ns: int
    until_ns: int


@dataclass(frozen=True, repr=False)
class QuietSeen(Event, kind="quiet.seen"):
    """When the service waited for no server: on no link an answer was due, or a connection being opened.

    `idle_wait_ms`: so long a request may be open in such a time.
    """

    idle_wait_ms: float
    times: tuple[QuietTime, ...]
