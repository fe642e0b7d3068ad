"""Counts and readings: rows, what is left at rest, connections, cores, figures."""

from __future__ import annotations

from dataclasses import dataclass

from harness.history.events.event import Event
from harness.vocabulary import Figure, Outcome, Value


@dataclass(frozen=True, repr=False)
class StoredRow(Value, kind="row"):
    """One id that the database holds, with its digest, that many times."""

    id: str
    digest: str
    copies: int = 1


@dataclass(frozen=True, repr=False)
class RowsRead(Event, kind="rows"):
    """All that the service has stored. It is read at rest, and again after deliveries were sent again."""

    rows: tuple[StoredRow, ...]


@dataclass(frozen=True, repr=False)
class VariantAnswered(Event, kind="variant.answered"):
    """The service's answer to a variant of a request, and what it stored. `approved`: empty if no answer is approved.

    `delivery`: what the log calls it. `no_word`: the answer did not come in time, or says that it is not known, or not
    done, for now. It was sent at `sent_ns`, and took `took_ms`.
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
    """What else exists for deliveries, read with the rows before it. `exactly`: only for stored ones, once for each."""

    name: str
    exactly: bool
    rows: tuple[StoredRow, ...]


@dataclass(frozen=True, repr=False)
class SeriesRead(Value, kind="series"):
    """The service's own count of answers of one outcome: the series, and its value."""

    outcome: Outcome
    series: str
    seen: float


@dataclass(frozen=True, repr=False)
class CountsRead(Event, kind="counts"):
    """How many answers the service's process `pid` has counted so far. Read before the scenario, and at rest.

    `problems`: what its metrics lack, or say that cannot be. `overtold`: connections that it told of, and that were not
    there after `waited_s` seconds either.
    """

    pid: int
    series: tuple[SeriesRead, ...]
    problems: tuple[str, ...] = ()
    overtold: tuple[str, ...] = ()
    waited_s: float = 0.0


@dataclass(frozen=True, repr=False)
class LoggedFor(Value, kind="logged"):
    """A delivery that the service's log names in so many lines."""

    delivery: str
    lines: int


@dataclass(frozen=True, repr=False)
class AnswersLogged(Event, kind="answers.logged"):
    """For which deliveries the service's log tells of an answer of this outcome.

    `by_source`: it also tells whose delivery that was; otherwise the same id of all sources counts as one.
    """

    outcome: Outcome
    logged: tuple[LoggedFor, ...]
    by_source: bool = False


@dataclass(frozen=True, repr=False)
class LogRead(Event, kind="log.read"):
    """How much the service's log has said, and when. `lines`: of it all.

    `dated`: how many lines were judged by their time; `misdated`: how many of them have none, or not one of this run,
    and `shown`: the first of these. `lines_per_request`: how many there may be on average; None: any number.
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
    replaced the one that it is about. `waited_s`: so long it was too much before it was recorded; 0 if it is within its
    limit, or if no time brings it there.
    """

    what: str
    seen: float
    at_most: float
    link: str = ""
    earlier: bool = False
    waited_s: float = 0.0

    @property
    def name(self) -> str:
        """What was counted: `tasks`, or `connections: postgres`."""
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
        """What was to be counted; see `AtRest.name`."""
        return rest_name(self.what, self.link, earlier=self.earlier)


@dataclass(frozen=True, repr=False)
class Counted(Event, kind="counted"):
    """How many there are of something from now on; recorded where that changes, and once more at the counting's end.

    `of`: a link's name, or `pool`. `what`: of a link `open` or `connecting`; of the pool a word of the target's.
    `seen`: None if it is unknown. `source`: who counted, `kernel` or `service`. `problem`: why it could not count.
    `status`: of an answer that shows no metrics, if that is why.
    """

    of: str
    what: str
    seen: float | None
    source: str
    problem: str = ""
    status: int | None = None


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
    """A number for which the scenario set a limit. `block`: it is about a block of the scenario, which ended then."""

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
    """So many secrets were sought in so many texts of the service's: lines of its log, answers, metrics.

    `found`: how many texts show a secret. `shown`: the first ones.
    """

    secrets: int
    texts: int
    found: int = 0
    shown: tuple[SecretShown, ...] = ()
