"""Losses on a hop: which segments the kernel must drop, and which it has dropped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from harness.protocols.contract.frames import Direction
from harness.relay.control.plain_json import encode
from harness.vocabulary.value import Json

Way: TypeAlias = Literal["both", "sent", "answered"]
ALL: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Segments that are dropped. `percent`: how many of a hundred; with 100 none is acknowledged.

    `way`: those that the service sends ("sent"), those that the server sends ("answered"), or both. `open`: on the
    connections that are open when it begins. `new`: on new ones; if all segments are dropped, no connection is made.

    `above_bytes`: only packets that are larger than this.

    `held`: only open connections on which a rule holds bytes.

    `forgets`: the server's side of an open connection ends. The service gets no sign of it, then or when it sends
    again. With `idle_s` this happens to each connection, old or new, on which no segment has come or gone for this
    long.
    """

    percent: int = ALL
    way: Way = "both"
    open: bool = True
    new: bool = True
    held: bool = False
    above_bytes: int | None = None
    forgets: bool = False
    idle_s: float | None = None

    @property
    def total(self) -> bool:
        """Whether nothing passes."""
        return self.percent == ALL and self.above_bytes is None

    def concerns(self, direction: Direction) -> bool:
        """Whether segments in this direction are dropped."""
        return self.way in ("both", direction)

    def to_json(self) -> Json:
        """Return its fields."""
        return encode(self)

    @staticmethod
    def from_json(data: Any) -> Loss:
        """Read `to_json` back."""
        return Loss(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Segments that the kernel dropped for one loss. `connects`: those that would have opened a connection.

    `connections`: the dropped segments of service and server, for each connection, by the service's port. `waiting`:
    how many connections were forgotten while an answer was due.
    """

    connects: int = 0
    waiting: int = 0
    connections: Mapping[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def struck(self) -> int:
        """How many connections lost segments or an answer, plus how many SYNs were dropped."""
        return self.connects + self.waiting + sum(1 for sent, answered in self.connections.values() if sent or answered)

    def __str__(self) -> str:
        """What was dropped where, for a line of evidence."""
        struck = {port: lost for port, lost in self.connections.items() if any(lost)}
        sent, answered = (sum(lost[way] for lost in struck.values()) for way in (0, 1))
        counts = {"sent by the service": sent, "sent by the server": answered, "to connect (SYN)": self.connects}
        told = ", ".join(f"{count} {which}" for which, count in counts.items() if count)
        ports = f", on the service's ports {', '.join(map(str, struck))}" if struck else ""
        return f"{told or 'none'}{ports}"

    def to_json(self) -> Json:
        """Return its fields."""
        return {
            "connects": self.connects,
            "waiting": self.waiting,
            "connections": [[port, *lost] for port, lost in self.connections.items()],
        }

    @staticmethod
    def from_json(data: Any) -> Lost:
        """Read `to_json` back."""
        connections = {port: (sent, answered) for port, sent, answered in data["connections"]}
        return Lost(connects=data["connects"], waiting=data["waiting"], connections=connections)
