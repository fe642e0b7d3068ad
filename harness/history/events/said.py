"""The service's log lines and metrics, each with what is approved."""

from __future__ import annotations

from dataclasses import dataclass

from harness.history.events.event import Event
from harness.vocabulary import Value


@dataclass(frozen=True, repr=False)
class KeySaid(Value, kind="said.key"):
    """A key of some lines. `one_of`: its values as JSON, where they are few; `types`: `text`, `number` and the like.

    `absent`: some of the lines do not have it.
    """

    name: str
    one_of: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    absent: bool = False


@dataclass(frozen=True, repr=False)
class LineSaid(Event, kind="said.line"):
    """The lines of one form: they have an event, a level and a reason in common. `example`: the first of them.

    `answers`: what clients were told whose deliveries these lines name; `mixed`: one that was told in several ways.
    `processes`: how many of the service's processes wrote one, where each has a part of the log of its own; there
    `once` at most, as the `first` line or the `last` one. `again`: the same line came more often than it was asked for.
    """

    event: str
    level: str
    reason: str
    keys: tuple[KeySaid, ...]
    lines: int
    example: str
    answers: tuple[str, ...] = ()
    mixed: tuple[str, ...] = ()
    processes: int = 0
    once: bool = False
    first: bool = False
    last: bool = False
    again: bool = False


@dataclass(frozen=True, repr=False)
class FamilySaid(Value, kind="said.family"):
    """A family of metrics. `shows`: its series, without the family's name, that are there from the start."""

    name: str
    type: str
    help: str
    shows: tuple[str, ...]
    later: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class MetricsSaid(Event, kind="said.metrics"):
    """All families of metrics, before the scenario and at rest."""

    families: tuple[FamilySaid, ...]


@dataclass(frozen=True, repr=False)
class SaidCompared(Event, kind="said.compared"):
    """So many lines and series were compared with the approved ones. `other`: what is not as approved, in sentences."""

    lines: int
    series: int
    other: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class SeriesLogged(Value, kind="said.series"):
    """How far a counter has grown, and how many lines of the log tell of that."""

    series: str
    grown: float
    lines: int


@dataclass(frozen=True, repr=False)
class ServerBlamed(Event, kind="said.blamed"):
    """So many of the log's `read` lines say that the server of a link failed the service. `example`: the first of them.

    `near`: the links that lead to that server, its own included: a fault of any of them may touch it.
    """

    link: str
    near: tuple[str, ...]
    read: int
    lines: int = 0
    example: str = ""


@dataclass(frozen=True, repr=False)
class CountsLogged(Event, kind="said.counts"):
    """Counters beside the lines that tell of the same, from before the scenario until rest, in one process."""

    counts: tuple[SeriesLogged, ...]
