"""What can be done to a message, and where it makes no sense: one table, each exclusion with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.search.recording.places import CUT_INSIDE, Point
from harness.search.recording.recording import Observed

DELAY_MS = 100
CLOSING = ("cut_before", "cut_after", "reset_before", "reset_after")
WAITING = ("stall", "drop", "delay", "late")
APART = ("duplicate", "corrupt")
"""No service can survive these unnoticed; the question is whether it notices, so they are judged apart."""

POSTGRES_ERRORS: Mapping[str, str] = {
    "error_40001": "could not serialize access due to concurrent update",
    "error_57014": "canceling statement due to statement timeout",
    "error_25006": "cannot execute INSERT in a read-only transaction",
    "error_53100": "could not extend file: No space left on device",
    "error_26000": "prepared statement does not exist",
    "fatal_57P01": "terminating connection due to administrator command",
}
"""In place of a statement's answer; the fatal one ends the connection too."""
STARTUP_ERRORS: Mapping[str, str] = {
    "fatal_53300": "sorry, too many clients already",
    "fatal_57P03": "the database system is starting up",
}
REDIS_ERRORS: Mapping[str, str] = {
    "error_LOADING": "Redis is loading the dataset in memory",
    "error_READONLY": "You can't write against a read only replica.",
    "error_OOM": "command not allowed when used memory > 'maxmemory'.",
    "error_BUSY": "Redis is busy running a script.",
    "error_MASTERDOWN": "Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "error_NOAUTH": "Authentication required.",
    "error_MOVED": "3999 127.0.0.1:6381",
}
ERRORS: Mapping[str, str] = {**POSTGRES_ERRORS, **STARTUP_ERRORS, **REDIS_ERRORS}
ACTIONS: tuple[str, ...] = (*CLOSING, *WAITING, *ERRORS, *APART)
"""All of them, in the order of the map's columns; cuts inside of a message are counted apart."""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Actions that make no sense at some messages. `messages` says which, in words."""

    actions: tuple[str, ...]
    messages: str
    reason: str
    applies: Callable[[Observed], bool]

    def __str__(self) -> str:
        """One line of the committed file."""
        return f"{' '.join(self.actions)} | {self.messages} | {self.reason}"


def _postgres(message: Observed) -> bool:
    return message.place.protocol == "postgres"


def _sent(message: Observed) -> bool:
    return message.place.direction == "sent"


EXCLUSIONS: Sequence[Exclusion] = (
    Exclusion(
        ("drop_and_close",), "every message", "the service and the server see what cut_before shows them",
        lambda _: True,
    ),
    Exclusion(
        ("hold",), "every message", "a hold ends by another event: the orders of interleave, and scenarios, have it",
        lambda _: True,
    ),
    Exclusion(
        ("late",), "sent messages", "only an answer can come late enough to meet the next request", _sent,
    ),
    Exclusion(
        ("late",), "answers of PostgreSQL",
        "its clients send nothing before ReadyForQuery, so the answer waits for ever: stall has that", _postgres,
    ),
    Exclusion(
        tuple(POSTGRES_ERRORS), "messages of PostgreSQL that run no statement",
        "a server's error takes the place of a statement's answer", lambda each: _postgres(each) and not each.runs,
    ),
    Exclusion(
        tuple(POSTGRES_ERRORS), "messages of Redis", "these are PostgreSQL's errors", lambda each: not _postgres(each),
    ),
    Exclusion(
        tuple(STARTUP_ERRORS), "every message but StartupMessage", "these errors refuse a new session",
        lambda each: each.place.message != "StartupMessage",
    ),
    Exclusion(
        tuple(REDIS_ERRORS), "messages of PostgreSQL", "these are Redis's errors", _postgres,
    ),
    Exclusion(
        tuple(REDIS_ERRORS), "answers of Redis", "the error takes the answer's place: the command has it",
        lambda each: not _postgres(each) and not _sent(each),
    ),
    Exclusion(
        (*WAITING, *APART, "reset_before", "reset_after"), "ParameterStatus after the first",
        "the server sends a run of them at once, and the first stands for all",
        lambda each: each.place.message == "ParameterStatus" and each.place.occurrence > 1,
    ),
    Exclusion(
        ("cut_after", "reset_after"), "a message that is neither sent nor the last of an answer",
        "the next message's cut_before is the same moment", lambda each: not _sent(each) and not each.ends_answer,
    ),
)  # fmt: skip


def excluded_by(message: Observed, action: str) -> Exclusion | None:
    """Return the exclusion that keeps this action from this message, if one does."""
    return next((each for each in EXCLUSIONS if action in each.actions and each.applies(message)), None)


def sensible(message: Observed) -> Iterator[Point]:
    """Yield every point of the fault space at this message."""
    for action in ACTIONS:
        if excluded_by(message, action) is None:
            yield Point(message.place, action)


def inside(message: Observed) -> Iterator[Point]:
    """Yield a cut after each byte of the message but the last: that is `cut_after`, as none is `cut_before`."""
    for count in range(1, message.length):
        yield Point(message.place, f"{CUT_INSIDE}{count}")


def is_apart(point: Point) -> bool:
    """Whether the point is judged apart from the others."""
    return point.action in APART or (point.action == "drop" and _is_part(point))


def _is_part(point: Point) -> bool:
    """Whether the message is one of several that make a question or an answer of PostgreSQL's.

    TCP loses nothing out of the middle of a stream: dropping a part is a kind of corruption.
    """
    place = point.place
    return place.protocol == "postgres" and (place.direction == "answered" or place.message in EXTENDED)


EXTENDED = ("Parse", "Bind", "Describe", "Execute", "Flush", "Sync", "Close")
"""Messages of which several make one statement."""
