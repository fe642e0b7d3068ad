"""The relay's report on a hop's connections: how each was used and ended, and the errors that it carried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from harness.vocabulary.value import Json

__all__ = ["OWN", "Ended", "Life", "Met", "Quiet", "lives_from", "lives_json", "met_from", "met_json"]

Ended = str
"""Which side ended a connection, in the words of `EndedBy`; empty while it is open."""
OWN: Final = ("service", "reset by service")
"""The words for an end by the service itself."""
Quiet = tuple[int, int]
"""A span in which no connection waited for an answer, and none was being opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One connection. All times are CLOCK_MONOTONIC.

    `uses`: how often it began to wait for an answer, without its login. `used_from_ns`, `used_until_ns`: when that
    began and ended for the last time; 0: never. `ended_ns`: 0 while it is open. `in_use`: it ended while an answer was
    due, or a transaction was open. `idle_max_ms`: the longest idle time after which it was used again.
    """

    number: int
    opened_ns: int
    uses: int
    used_from_ns: int
    used_until_ns: int
    ended_ns: int
    by: Ended
    in_use: bool
    idle_max_ms: float

    @property
    def row(self) -> Json:
        """Return its row for JSON."""
        return [getattr(self, name) for name in self.__slots__]


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """An error that a server answered, or a rule instead.

    `subject`: the subject of its statement; "" if it names none. `lost`: the service did not get the error. `own`: the
    error concerns only that request, so the connection can still be used. `several`: the statement names other
    subjects, too.
    """

    t_ns: int
    connection: int
    subject: str
    statement: str
    code: str
    text: str
    lost: bool
    own: bool
    several: bool

    @property
    def row(self) -> Json:
        """Return its row for JSON."""
        return [getattr(self, name) for name in self.__slots__]


def lives_json(lives: Sequence[Life]) -> Json:
    """Return the lives as plain rows."""
    return [life.row for life in lives]


def lives_from(rows: Sequence[Sequence[Any]]) -> tuple[Life, ...]:
    """Read `lives_json` back."""
    return tuple(Life(**dict(zip(Life.__slots__, row, strict=True))) for row in rows)


def met_json(met: Sequence[Met]) -> Json:
    """Return the errors as plain rows."""
    return [each.row for each in met]


def met_from(rows: Sequence[Sequence[Any]]) -> tuple[Met, ...]:
    """Read `met_json` back."""
    return tuple(Met(**dict(zip(Met.__slots__, row, strict=True))) for row in rows)
