"""The service's log lines and metrics, and how they compare with the approved ones."""

from __future__ import annotations

from dataclasses import dataclass

from harness.history.events.event import Event
from harness.vocabulary import Value


@dataclass(frozen=True, repr=False)
class KeySaid(Value, kind="said.key"):
    """A key of some lines. `one_of`: its values as JSON, if there are few; `types`: `text`, `number` and so on.

    `absent`: some of the lines lack it.
    """

    name: str
    one_of: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    absent: bool = False


@dataclass(frozen=True, repr=False)
class LineSaid(Event, kind="said.line"):
    """The lines of one form: they share an event, a level and a reason. `example`: the first of them.

    `answers`: the outcomes that clients got for the deliveries that these lines name; `mixed`: if a client got several.
    `processes`: how many of the service's processes wrote such a line, if each has its own part of the log. `once`,
    `first`, `last`: each process wrote it at most once, as its first line, or as its last. `again`: the same line came
    more often than its delivery was sent.
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
    """A family of metrics. `shows`: its series that exist from the start, without the family's name."""

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
    """How many lines and series were compared with the approved ones.

    `other`: sentences about those that are not as approved.
    """

    lines: int
    series: int
    other: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class SeriesLogged(Value, kind="said.series"):
    """By how much a counter has grown, and how many lines of the log report the same."""

    series: str
    grown: float
    lines: int


@dataclass(frozen=True, repr=False)
class ServerBlamed(Event, kind="said.blamed"):
    """How many of the log's `read` lines say that a link's server failed the service. `example`: the first of them.

    `near`: all links that lead to that server. A fault of any of them may touch it. `deliveries`: the delivery that
    each of these lines names; empty where it names none.
    """

    link: str
    near: tuple[str, ...]
    read: int
    lines: int = 0
    example: str = ""
    deliveries: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class CountsLogged(Event, kind="said.counts"):
    """Counters compared with log lines about the same events, from before the scenario until rest, in one process."""

    counts: tuple[SeriesLogged, ...]
