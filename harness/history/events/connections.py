"""What the relay saw of the service's connections, and of the errors on them."""

from __future__ import annotations

from dataclasses import dataclass

from harness.history.events.event import Event
from harness.vocabulary import Value


@dataclass(frozen=True, repr=False)
class ConnectionUsed(Value, kind="connection_used"):
    """One connection. Times are CLOCK_MONOTONIC; 0: never, or not yet.

    `uses`: how often it began to wait for an answer, without its login; `used_from_ns`, `used_until_ns`: the span of
    its last use. `by`: which side ended it. `in_use`: it ended while an answer was due, or a transaction was open.
    `idle_max_ms`: the longest idle time after which it was used again.
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
    """The service's connections on a link that were open while the scenario ran. `forgotten`: how many are missing.

    `count`: their total number. None is listed if none was lost and the service closed at most one.
    """

    link: str
    count: int
    connections: tuple[ConnectionUsed, ...]
    forgotten: int = 0


@dataclass(frozen=True, repr=False)
class ErrorMet(Value, kind="error_met"):
    """An error that answered a statement on a connection, by its number.

    `delivery`: the statement's delivery; empty if it names none. `lost`: the service did not get the error. `unread`:
    the service may not have read it, because it ended the connection at that time. `own`: the error is about that
    request only, so the connection can still be used. `several`: the statement is about other deliveries, too.
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
    deliveries that no such line names; `untold_count`: their number. `owed`: each delivery must have such a line.
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
    """A span of time, in CLOCK_MONOTONIC."""

    from_ns: int
    until_ns: int


@dataclass(frozen=True, repr=False)
class QuietSeen(Event, kind="quiet.seen"):
    """The times when the service waited for no server.

    No answer was due and no connection was being opened on any link.

    `idle_wait_ms`: how long a request may be open in such a time.
    """

    idle_wait_ms: float
    times: tuple[QuietTime, ...]
