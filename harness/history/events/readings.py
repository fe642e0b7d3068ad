"""Counts and readings: rows, what is left at rest, connections, cores, figures."""

from __future__ import annotations

from dataclasses import dataclass

from harness.history.events.event import Event
from harness.vocabulary import Figure, Outcome, Value


@dataclass(frozen=True, repr=False)
class StoredRow(Value, kind="row"):
    """One id that is stored `copies` times with this digest."""

    id: str
    digest: str
    copies: int = 1


@dataclass(frozen=True, repr=False)
class RowsRead(Event, kind="rows"):
    """Everything that the service has stored. It is read at rest, and once more after deliveries were sent again."""

    rows: tuple[StoredRow, ...]


@dataclass(frozen=True, repr=False)
class VariantAnswered(Event, kind="variant.answered"):
    """The service's answer to a variant of a request, and what it stored. `approved`: empty if no answer is approved.

    `delivery`: its name in the log. `no_word`: the answer did not come in time, or says "not now" or "I do not know".
    It was sent at `sent_ns`, and took `took_ms`.
    """

    name: str
    approved: str
    seen: str
    delivery: str = ""
    no_word: bool = False
    sent_ns: int = 0
    took_ms: float = 0.0


@dataclass(frozen=True, repr=False)
class RowsUnknown(Event, kind="rows.unknown"):
    """The stored rows could not be read: the service itself has to return them, and did not. `reason` says why."""

    reason: str


@dataclass(frozen=True, repr=False)
class EffectsRead(Event, kind="effects"):
    """The effects of deliveries, read together with the rows before this event.

    `exactly`: only for stored ones, once for each. `later`: a worker may make them some time afterwards.
    """

    name: str
    exactly: bool
    rows: tuple[StoredRow, ...]
    later: bool = False


@dataclass(frozen=True, repr=False)
class SeriesRead(Value, kind="series"):
    """The service's own count of answers of one outcome: the series, and its value."""

    outcome: Outcome
    series: str
    seen: float


@dataclass(frozen=True, repr=False)
class CountsRead(Event, kind="counts"):
    """How many answers the service's process `pid` has counted so far. Read before the scenario, and at rest.

    `problems`: missing or impossible metrics. `overtold`: connections that it reported but that did not exist even
    after `waited_s` seconds.
    """

    pid: int
    series: tuple[SeriesRead, ...]
    problems: tuple[str, ...] = ()
    overtold: tuple[str, ...] = ()
    waited_s: float = 0.0


@dataclass(frozen=True, repr=False)
class LoggedFor(Value, kind="logged"):
    """How many lines of the service's log name a delivery."""

    delivery: str
    lines: int


@dataclass(frozen=True, repr=False)
class AnswersLogged(Event, kind="answers.logged"):
    """The deliveries for which the service's log reports an answer of this outcome.

    `by_source`: the log also names the source; otherwise the same id of all sources counts as one.
    """

    outcome: Outcome
    logged: tuple[LoggedFor, ...]
    by_source: bool = False


@dataclass(frozen=True, repr=False)
class LogRead(Event, kind="log.read"):
    """How much the service has logged, and when. `lines`: the number of all lines.

    `dated`: how many lines were judged by their time; `misdated`: how many of them have no time, or none of this run;
    `shown`: the first of these. `lines_per_request`: how many lines are allowed on average; None: any number.
    """

    lines: int
    dated: int = 0
    misdated: int = 0
    shown: str = ""
    lines_per_request: float | None = None


EARLIER = " of an earlier start"


def rest_name(what: str, link: str = "", *, earlier: bool = False) -> str:
    """The name of an `AtRest`."""
    name = f"{what}: {link}" if link else what
    return f"{name}{EARLIER}" if earlier else name


@dataclass(frozen=True, repr=False)
class AtRest(Event, kind="at_rest"):
    """A number that must return to its limit once the service gets no more requests.

    `what`: `connections`, `busy connections` (both with the `link`), `checked_out`, `tasks` or `descriptors`; or a kind
    of residue, of a link's server or of the service's process. `earlier`: seen before another start of the service
    replaced this one. `waited_s`: how long it had been above its limit when it was recorded; 0 if it is within its
    limit, or never returns by itself.
    """

    what: str
    seen: float
    at_most: float
    link: str = ""
    earlier: bool = False
    waited_s: float = 0.0

    @property
    def name(self) -> str:
        """The name of the count: `tasks`, or `connections: postgres`."""
        return rest_name(self.what, self.link, earlier=self.earlier)


@dataclass(frozen=True, repr=False)
class RestUnknown(Event, kind="at_rest.unknown"):
    """A count at rest that failed, for example because a fault had left the server of `link` unable to answer.

    `earlier`: as in `AtRest`.
    """

    what: str
    link: str
    problem: str
    earlier: bool = False

    @property
    def name(self) -> str:
        """The name of the count; see `AtRest.name`."""
        return rest_name(self.what, self.link, earlier=self.earlier)


@dataclass(frozen=True, repr=False)
class Counted(Event, kind="counted"):
    """A number from this moment on; recorded when it changes, and once more when counting ends.

    `of`: a link's name, or `pool`. `what`: for a link `open` or `connecting`; for the pool the target's label. `seen`:
    None if it is unknown. `source`: `kernel` or `service`. `problem`: why it could not be counted. `status`: the status
    of an answer without metrics, if that is the reason.
    """

    of: str
    what: str
    seen: float | None
    source: str
    problem: str = ""
    status: int | None = None


@dataclass(frozen=True, repr=False)
class CoreWait(Value, kind="core_wait"):
    """How long the threads of one part of a run (`service`, `relay`, `postgres`) waited for a core.

    `ran_ms`: how long they ran. Both are sums over threads.
    """

    of: str
    waited_ms: float
    ran_ms: float = 0.0


@dataclass(frozen=True, repr=False)
class CoresSeen(Event, kind="cores"):
    """The waits for a core in the last `over_ms`, and the share of all cores (0 to 1) that other programs used.

    A failure by a clock counts only while the machine had cores for the run. `cores`: how many there are.
    """

    over_ms: float
    waits: tuple[CoreWait, ...]
    others: float
    cores: int = 1


@dataclass(frozen=True, repr=False)
class FigureRead(Event, kind="figure"):
    """A number for which the scenario set a limit.

    `block`: it is about a block of the scenario, which ended at that time.
    """

    figure: Figure
    seen: float
    at_most: float | None = None
    at_least: float | None = None
    block: bool = False


@dataclass(frozen=True, repr=False)
class FigureUnknown(Event, kind="figure.unknown"):
    """A number that the scenario set a limit for, and that this run does not have: `reason` says why."""

    figure: Figure
    reason: str


@dataclass(frozen=True, repr=False)
class SecretShown(Value, kind="secret"):
    """A secret that the service showed: its name, its place, and the text around it without the secret."""

    what: str
    where: str
    excerpt: str


@dataclass(frozen=True, repr=False)
class SecretsSought(Event, kind="secrets"):
    """How many secrets were searched in how many of the service's texts: lines of its log, answers, metrics.

    `found`: how many texts show a secret. `shown`: the first ones.
    """

    secrets: int
    texts: int
    found: int = 0
    shown: tuple[SecretShown, ...] = ()
