"""The places at which a fault can strike: a message of a delivery, and the action on it.

A place is written in one line, `postgres/sent/commit/Query/COMMIT/1`. With an action it is a point; with a kind of
delivery before it, a cell. All three sort, and can be parsed back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from harness.errors import UsageError
from harness.protocols.registry import PROTOCOLS
from harness.relay import Direction, Phase

Kind = Literal["fresh", "warm", "repeat", "read", "copies"]
"""The kinds of delivery: over new connections, over open ones, a repeat, a GET of a stored one, or two at once."""

DIRECTIONS: tuple[str, ...] = get_args(Direction)
PHASES: tuple[str, ...] = get_args(Phase)
KINDS: tuple[Kind, ...] = get_args(Kind)
THEN = " then "
"""Between the two faults of a pair."""
CUT_INSIDE = "cut@"
"""With a number of bytes: a cell of the byte map."""

_PROTOCOL = "|".join(PROTOCOLS)
_CELL = re.compile(
    rf"(?P<kind>{'|'.join(KINDS)})/(?P<first>(?:{_PROTOCOL})/.*?)(?:{THEN}(?P<second>(?:{_PROTOCOL})/.*))?",
    re.DOTALL,
)
_PLACE = (
    rf"(?P<protocol>{_PROTOCOL})/(?P<direction>{'|'.join(DIRECTIONS)})/(?P<phase>{'|'.join(PHASES)})/"
    r"(?P<message>[^/]+)/(?P<text>.*)/(?P<occurrence>[1-9][0-9]*)"
)
_WHOLE_PLACE = re.compile(_PLACE, re.DOTALL)
_POINT = re.compile(rf"{_PLACE}/(?P<action>[^/ ]+)", re.DOTALL)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """The `occurrence`th message with that name, direction and phase that belongs to that statement.

    `text` is the fingerprint of the statement or command: the one that is sent, or answered.
    Occurrences count from 1 within one delivery.
    """

    protocol: str
    direction: Direction
    phase: Phase
    message: str
    text: str
    occurrence: int

    def __str__(self) -> str:
        """The place in one line."""
        return f"{self.protocol}/{self.direction}/{self.phase}/{self.message}/{self.text}/{self.occurrence}"

    @classmethod
    def parse(cls, text: str, *, where: str = "place") -> Place:
        """Read a place back. Raises UsageError."""
        found = _WHOLE_PLACE.fullmatch(text)
        if found is None:
            mend = "write PROTOCOL/DIRECTION/PHASE/MESSAGE/STATEMENT/OCCURRENCE"
            raise UsageError.at(where, "place", text, "not the place of a message", mend=mend)
        return _place(found)


def _place(found: re.Match[str]) -> Place:
    return Place(
        found["protocol"],
        found["direction"],  # type: ignore[arg-type]  # the expression lets nothing else through
        found["phase"],  # type: ignore[arg-type]  # as above
        found["message"],
        found["text"],
        int(found["occurrence"]),
    )


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """A place, and the action there."""

    place: Place
    action: str

    def __str__(self) -> str:
        """The point in one line."""
        return f"{self.place}/{self.action}"

    @property
    def bytes_passed(self) -> int | None:
        """For a cut inside of a message: how many of its bytes go through."""
        return int(self.action.removeprefix(CUT_INSIDE)) if self.action.startswith(CUT_INSIDE) else None

    @classmethod
    def parse(cls, text: str, *, where: str = "point") -> Point:
        """Read a point back. Raises UsageError."""
        found = _POINT.fullmatch(text)
        if found is None:
            mend = "write PROTOCOL/DIRECTION/PHASE/MESSAGE/STATEMENT/OCCURRENCE/ACTION"
            raise UsageError.at(where, "point", text, "not a point of the fault space", mend=mend)
        return cls(_place(found), found["action"])


@dataclass(frozen=True, slots=True, order=True)
class CellId:
    """One trial: a kind of delivery, the fault in it, and in a pair the fault in what follows."""

    kind: Kind
    first: Point
    second: Point | None = None

    @property
    def last(self) -> Point:
        """The last fault."""
        return self.first if self.second is None else self.second

    def __str__(self) -> str:
        """The cell in one line, by which `--only` finds it."""
        then = "" if self.second is None else f"{THEN}{self.second}"
        return f"{self.kind}/{self.first}{then}"

    @classmethod
    def parse(cls, text: str, *, where: str = "cell") -> CellId:
        """Read a cell back. Raises UsageError."""
        found = _CELL.fullmatch(text)
        if found is None:
            raise UsageError.at(where, "cell", text, "not a cell of a sweep", mend="copy an id from sweep.json")
        kind: Kind = found["kind"]  # type: ignore[assignment]  # by the expression
        second = found["second"]
        after = None if second is None else Point.parse(second, where=where)
        return cls(kind, Point.parse(found["first"], where=where), after)


__all__ = [
    "CUT_INSIDE",
    "DIRECTIONS",
    "KINDS",
    "PHASES",
    "CellId",
    "Kind",
    "Place",
    "Point",
]
