"""What was counted and read: rows, what is left at rest, connections, cores, figures."""

from __future__ import annotations

from dataclasses import dataclass

from harness.history.events.event import Event
from harness.vocabulary import Figure, Value


@dataclass(frozen=True, repr=False)
class StoredRow(Value, kind="row"):
    """One id that the database holds, with its digest, that many times."""

    id: str
    digest: str
    copies: int = 1


@dataclass(frozen=True, repr=False)
class RowsRead(Event, kind="rows"):
    """Everything that the service has stored: read at rest, and once more when all was sent again."""

    rows: tuple[StoredRow, ...]


def rest_name(what: str, link: str = "") -> str:
    """The name of an `AtRest`."""
    return f"{what}: {link}" if link else what


@dataclass(frozen=True, repr=False)
class AtRest(Event, kind="at_rest"):
    """A number that must return to its limit once the service gets no more requests.

    `what`: `connections`, `busy connections` (both with the `link`), `checked_out`, `tasks` or `descriptors`.
    """

    what: str
    seen: float
    at_most: float
    link: str = ""

    @property
    def name(self) -> str:
        """What was counted: `tasks`, or `connections: postgres`."""
        return rest_name(self.what, self.link)


@dataclass(frozen=True, repr=False)
class RestUnknown(Event, kind="at_rest.unknown"):
    """What could not be counted at rest, because a fault had left the server of `link` so that it does not answer."""

    what: str
    link: str
    problem: str

    @property
    def name(self) -> str:
        """What was to be counted; see `AtRest.name`."""
        return rest_name(self.what, self.link)


@dataclass(frozen=True, repr=False)
class Counted(Event, kind="counted"):
    """How many there are of something from now on; recorded where that changes, and once more at the counting's end.

    `of`: a link's name, or `pool`. `what`: of a link `open` or `connecting`; of the pool a word of the target's.
    `seen`: None if it is unknown. `source`: who counted, `kernel` or `service`. `problem`: why it could not count.
    """

    of: str
    what: str
    seen: float | None
    source: str
    problem: str = ""


@dataclass(frozen=True, repr=False)
class CoreWait(Value, kind="core_wait"):
    """How long the threads of one part of a run (`service`, `relay`, `postgres`) were ready to run and had no core.

    `ran_ms`: how long they had one. Both are sums over threads.
    """

    of: str
    waited_ms: float
    ran_ms: float = 0.0


@dataclass(frozen=True, repr=False)
class CoresSeen(Event, kind="cores"):
    """Who waited for a core in the last `over_ms`, and how much of all cores (0 to 1) other programs took meanwhile.

    A failure that rests on a clock counts only while the machine had cores for the run. `cores`: how many there are.
    """

    over_ms: float
    waits: tuple[CoreWait, ...]
    others: float
    cores: int = 1


@dataclass(frozen=True, repr=False)
class FigureRead(Event, kind="figure"):
    """A number for which the scenario set a limit."""

    figure: Figure
    seen: float
    at_most: float | None = None
    at_least: float | None = None


@dataclass(frozen=True, repr=False)
class FigureUnknown(Event, kind="figure.unknown"):
    """A number that the scenario set a limit for, and that this run does not have: `reason` says why."""

    figure: Figure
    reason: str
