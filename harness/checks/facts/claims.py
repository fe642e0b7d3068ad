"""What clients' answers and readings of the rows claim about each delivery, as the model judges it."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.checks.clock import Span
from harness.checks.facts.exchanges import Exchange, by_subject, changed_deliveries, exchanges, was_refused
from harness.checks.facts.model import NO_CLAIM, NOTHING, Claim, Operation, contradictions, never, only
from harness.checks.standing.failover import allowed_losses, excused
from harness.history import History
from harness.history.events import Asks, FaultActed, Purpose, Recovered, RowsRead, SentAgain
from harness.vocabulary import (
    ACKNOWLEDGED,
    ALREADY,
    CONFIRMED,
    CONFLICT,
    FINAL_NO,
    NOT_STORED,
    REJECTED,
    UNKNOWN,
)

_DELIVERS, _READS = (Asks.DELIVER, Asks.TAKEN), (Asks.READ, Asks.READ_UNSENT)


@dataclass(frozen=True, slots=True)
class Row:
    """What one reading of the rows found for a delivery: a body's digest, or `NOTHING`."""

    digest: str


@dataclass(frozen=True, slots=True)
class Word:
    """A statement about a delivery, from the answer to a request or from the rows."""

    by: Exchange | Row
    operation: Operation

    @property
    def confirms(self) -> bool:
        """Whether an answer said that the delivery is stored."""
        return isinstance(self.by, Exchange) and self.by.outcome in CONFIRMED and self.by.sent.asks in _DELIVERS

    @property
    def denies(self) -> bool:
        """Whether a request got a final no: the delivery is wrong, absent, or another one."""
        return isinstance(self.by, Exchange) and self.by.outcome in FINAL_NO

    @property
    def shows(self) -> bool:
        """Whether a read found something."""
        return isinstance(self.by, Exchange) and self.by.sent.asks in _READS and self.by.outcome in CONFIRMED

    @property
    def gives_up(self) -> bool:
        """Whether it makes the sender of a valid delivery give up, although no step expects that."""
        return isinstance(self.by, Exchange) and self.by.gives_up

    @property
    def vouches(self) -> bool:
        """Whether it says that a body is stored: an acknowledgement, a read, or a row."""
        return self.confirms or self.shows or bool(self.row)

    @property
    def row(self) -> str | None:
        """The digest that a reading found, or `NOTHING`; None if this is no reading of the rows."""
        return self.by.digest if isinstance(self.by, Row) else None

    @property
    def told(self) -> str:
        """In words."""
        if isinstance(self.by, Exchange):
            return f"{self.by.name}: {self.by.story()}"
        return "a row is there" if self.by.digest else "no row is there"


class Wrong(enum.Enum):
    """What a clash shows about the service. A check reports each kind."""

    LOST = enum.auto()
    """What was acknowledged is not stored."""
    REFUSED = enum.auto()
    """What was refused is stored."""
    FOREIGN = enum.auto()
    """What was never sent is stored."""
    DOUBLED = enum.auto()
    """Two bodies are stored."""
    DENIED = enum.auto()
    """A delivery that is stored, according to an answer or a row, gets a final no."""
    SHOWN = enum.auto()
    """A read shows a body that cannot be stored."""
    SECOND_BODY = enum.auto()
    """Another body is acknowledged than is stored."""
    REJECTED = enum.auto()
    """A delivery gets a final no, although nothing else says that its id is taken."""
    OTHER = enum.auto()
    """Everything else."""


@dataclass(frozen=True, slots=True)
class Clash:
    """Two statements about one delivery. At most one is true. `first` None: no request can explain the second.

    `words`: all statements about the delivery.
    """

    delivery: str
    first: Word | None
    second: Word
    words: Sequence[Word]

    @property
    def wrong(self) -> Wrong:
        """What it shows of the service."""
        first, second = self.first, self.second
        if second.row == NOTHING:
            return Wrong.LOST if first is not None and first.confirms else Wrong.OTHER
        if second.row is not None:
            return self._stored(second.row)
        vouched = first is not None and first.vouches
        if second.denies and (vouched or self.vouched_before):
            return Wrong.DENIED
        if second.shows and (vouched or first is None):
            return Wrong.SHOWN
        if second.confirms and vouched:
            return Wrong.SECOND_BODY
        return Wrong.REJECTED if second.denies and second.gives_up else Wrong.OTHER

    @property
    def told(self) -> str:
        """In words: the delivery, and both statements."""
        if self.first is None:
            return f"{self.delivery}: no request explains this: {self.second.told}"
        return f"{self.delivery}: {self.first.told}; but {self.second.told}"

    @property
    def vouched_before(self) -> bool:
        """Whether any statement had said that the delivery is stored before the second request was sent."""
        return any(word.vouches and word.operation.ended <= self.second.operation.began for word in self.words)

    def _stored(self, digest: str) -> Wrong:
        """What it shows if a row has this body."""
        if self.first is not None:
            return Wrong.DOUBLED if self.first.row else Wrong.OTHER
        of_it = [word.by for word in self.words if isinstance(word.by, Exchange) and word.by.sent.digest == digest]
        if not any(each.sent.delivers for each in of_it):
            return Wrong.FOREIGN
        return Wrong.REFUSED if any(each.outcome in NOT_STORED for each in of_it) else Wrong.OTHER


@dataclass(frozen=True, slots=True)
class Claims:
    """All statements about each delivery of a history, and those that contradict each other."""

    words: Mapping[str, Sequence[Word]]
    clashes: Sequence[Clash]

    def wrong(self, what: Wrong) -> Sequence[Clash]:
        """The clashes that show this."""
        return [each for each in self.clashes if each.wrong is what]


def told(history: History) -> Claims:
    """Judge all statements about each delivery of a history by the model."""
    return history.once(_told)


def _told(history: History) -> Claims:
    words = _Telling(history).words()
    found: list[Clash] = []
    for delivery, about in words.items():
        for each in contradictions([word.operation for word in about]):
            first = None if each.first is None else about[each.first]
            found.append(Clash(delivery, first, about[each.second], about))
    return Claims(words, found)


@dataclass(slots=True)
class _Telling:
    """Extracts the statements about each delivery from a history."""

    history: History
    troubled: Sequence[Span] = field(init=False)
    """From a fault until the service had recovered."""
    sent_again: frozenset[str] = field(init=False)
    """Ids for which the service itself has retried a statement."""

    def __post_init__(self) -> None:
        self.troubled = tuple(_troubled(self.history))
        self.sent_again = frozenset(each.delivery for each in self.history.of(SentAgain))

    def words(self) -> Mapping[str, Sequence[Word]]:
        found: dict[str, list[Word]] = {}
        allowed, changed = allowed_losses(self.history), changed_deliveries(self.history)
        for each in exchanges(self.history):
            if excused(each, allowed) or each.sent.delivery in changed:
                continue
            if each.sent.asks in _DELIVERS:
                found.setdefault(each.sent.delivery, []).append(Word(each, self._delivering(each)))
            elif each.sent.asks in _READS:
                found.setdefault(each.sent.delivery, []).append(Word(each, _reading(each)))
        for entry, read in self.history.placed(RowsRead):
            bodies: dict[str, set[str]] = {}
            for row in read.rows:
                bodies.setdefault(row.id, set()).add(row.digest)
            for delivery in {*found, *bodies} - changed:
                for digest in sorted(bodies.get(delivery, {NOTHING})):
                    found.setdefault(delivery, []).append(Word(Row(digest), _row(entry.t_ns, digest)))
        return found

    def _delivering(self, each: Exchange) -> Operation:
        body = each.sent.digest
        ended = math.inf if each.outcome == UNKNOWN else float(each.span[1])
        stores = not (each.outcome in NOT_STORED | CONFLICT or (each.outcome == ALREADY and not self._may_repeat(each)))
        return Operation(
            began=each.span[0], ended=ended, stores=body if stores else NOTHING, claim=_claim(each), kind="delivered"
        )

    def _may_repeat(self, each: Exchange) -> bool:
        """Whether the service may have sent a statement twice for the request, so that it found what it had stored."""
        if each.sent.delivery_id in self.sent_again or self._was_refused_before(each):
            return True
        return any(began <= each.span[1] and each.span[0] <= ended for began, ended in self.troubled)

    def _was_refused_before(self, each: Exchange) -> bool:
        """Whether the harness sends a refused delivery again.

        If the service has stored its refused try, this is a repeat.
        """
        if each.sent.purpose != Purpose.AGAIN:
            return False
        return was_refused([other for other in by_subject(self.history)[each.subject] if other.span[1] <= each.span[0]])


def _claim(each: Exchange) -> Claim:
    """What the answer to a delivery says about the stored row."""
    body = each.sent.digest
    if each.outcome in CONFIRMED:
        # A service that does not compare bodies confirms any stored body, if its contract says so.
        any_body = each.sent.asks == Asks.TAKEN and (each.sent.owed is None or each.outcome in each.sent.owed)
        return never(NOTHING) if any_body else only(body)
    if each.outcome == CONFLICT:
        return never(NOTHING, body)
    return never(body) if each.outcome in REJECTED else NO_CLAIM


def _reading(each: Exchange) -> Operation:
    claim = NO_CLAIM
    if each.outcome in FINAL_NO:
        claim = only(NOTHING)
    elif each.outcome == ACKNOWLEDGED:
        shown = each.ended.shown if each.ended else ""
        claim = only(shown) if shown else never(NOTHING)
    return Operation(began=each.span[0], ended=float(each.span[1]), claim=claim, kind="read")


def _row(t_ns: int, digest: str) -> Operation:
    return Operation(began=t_ns, ended=t_ns, claim=only(digest), kind="row")


def _troubled(history: History) -> Iterator[Span]:
    began: int | None = None
    for entry in history.entries:
        if isinstance(entry.event, FaultActed) and began is None:
            began = entry.t_ns - round(entry.event.took_ms * 1e6)
        elif isinstance(entry.event, Recovered) and began is not None:
            yield began, entry.t_ns
            began = None
    if began is not None:
        yield began, history.entries[-1].t_ns


__all__ = ["Claims", "Clash", "Row", "Word", "Wrong", "told"]
