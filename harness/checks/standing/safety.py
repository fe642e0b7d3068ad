"""Checks the rows: nothing is lost, doubled, foreign, or confirmed in two ways.

A failure counts whether or not a fault left evidence: nothing excuses it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence

from harness.checks.facts.claims import Wrong, told
from harness.checks.facts.exchanges import (
    Exchange,
    by_delivery,
    by_subject,
    by_the_clock,
    changed_deliveries,
    exchanges,
)
from harness.checks.registry import Examined, Kind, check
from harness.checks.standing.failover import allowed_losses, excused, lost_by_failover
from harness.history import History
from harness.history.events import (
    Asks,
    EffectsRead,
    Purpose,
    RequestSent,
    RowsRead,
    RunBegan,
    ServiceEnded,
    ServiceStarted,
    StoredRow,
)
from harness.vocabulary import ALREADY, CONFIRMED, NOT_STORED


def _readings(history: History) -> Sequence[Sequence[StoredRow]]:
    """Return all readings: retries may repair what an earlier reading shows.

    If there is no reading, `judgement` reports it.
    """
    return [read.rows for read in history.of(RowsRead)]


def _rows_seen(history: History) -> str:
    """How many deliveries were acknowledged, and how many rows each reading found."""
    readings = [sum(row.copies for row in rows) for rows in _readings(history)]
    count, read = len(promised_deliveries(history)), ", then ".join(map(str, readings)) or "none"
    return f"{count} deliveries acknowledged; rows read: {read}"


def promised_deliveries(history: History) -> frozenset[str]:
    """The deliveries that were acknowledged, by any of their requests, and never changed or removed."""
    told = {e.sent.delivery for e in exchanges(history) if e.outcome in CONFIRMED and e.sent.delivers}
    return frozenset(told - changed_deliveries(history))


def _named(bad: Sequence[str], what: str) -> str:
    shown = ", ".join(bad[:3]) + (f" and {len(bad) - 3} more" if len(bad) > 3 else "")
    return f"{what}: {shown}" if bad else ""


def lost_deliveries(history: History) -> frozenset[str]:
    """Return deliveries that were acknowledged and are missing in a later reading."""
    # At every reading: sending a lost delivery again would store it, and so hide the loss.
    return frozenset(clash.delivery for clash in told(history).wrong(Wrong.LOST))


def doubled_deliveries(history: History) -> Mapping[str, int]:
    """Return deliveries that a reading found more than once, and the largest number of copies, with any bodies."""
    most: dict[str, int] = {}
    for rows in _readings(history):
        copies: dict[str, int] = {}
        for row in rows:
            copies[row.id] = copies.get(row.id, 0) + row.copies
        most |= {delivery: max(count, most.get(delivery, 0)) for delivery, count in copies.items()}
    return {delivery: count for delivery, count in most.items() if count > 1}


@check(Kind.SAFETY)
def acknowledged_is_stored(history: History) -> Examined:
    """A delivery that was acknowledged, by any of its requests, is in the database.

    With an asynchronous standby a scenario can allow that a failover loses some; they are still counted.
    """
    lost = sorted(lost_deliveries(history))
    by_failover = len(lost_by_failover(history))
    told = f"; {by_failover} lost by a failover" if by_failover else ""
    return Examined(
        problem=_named(lost, "acknowledged, but not stored"),
        saw=_rows_seen(history) + told,
        observations=len(promised_deliveries(history)),
    )


@check(Kind.SAFETY)
def stored_once(history: History) -> Examined:
    """No delivery is stored twice, however often it was sent."""
    doubled = [f"{delivery} ({count} times)" for delivery, count in sorted(doubled_deliveries(history).items())]
    stored = {row.id for rows in _readings(history) for row in rows}
    return Examined(problem=_named(doubled, "stored more than once"), saw=_rows_seen(history), observations=len(stored))


@check(Kind.SAFETY)
def nothing_foreign(history: History) -> Examined:
    """Nothing is stored that was not sent: neither an id nor, under an id, another body."""
    sent: dict[str, set[str]] = {}
    taken: set[tuple[str, str]] = set()
    for request in history.of(RequestSent):
        if request.delivers or request.asks == Asks.CHANGE:
            sent.setdefault(request.delivery, set()).add(request.digest)
        elif request.asks == Asks.TAKEN:
            taken.add((request.delivery, request.digest))
    found = {row for rows in _readings(history) for row in rows}
    foreign = {row for row in found if row.digest not in sent.get(row.id, set())}
    replaced = {row for row in foreign if (row.id, row.digest) in taken}
    problems = (
        _named(sorted({row.id for row in replaced}), "stored, with another body that was sent under its id later"),
        _named(sorted({row.id for row in foreign - replaced}), "stored, but never sent like this"),
    )
    return Examined(problem="; ".join(filter(None, problems)), saw=_rows_seen(history), observations=len(found))


@check(Kind.SAFETY)
def effects_agree(history: History) -> Examined:
    """Every effect of a stored delivery exists; if the target says "exactly", once, and for no other delivery.

    While no process of the service runs, what a worker makes later is not missed.
    """
    rows: Sequence[StoredRow] = ()
    running: set[int] = set()
    read, problems = 0, dict[str, None]()
    changed = changed_deliveries(history)  # what a change or a removal does to effects, no target says
    for entry in history.entries:
        if isinstance(entry.event, RowsRead):
            rows = entry.event.rows
        elif isinstance(entry.event, ServiceStarted):
            running.add(entry.event.pid)
        elif isinstance(entry.event, ServiceEnded):
            running.discard(entry.event.pid)
        elif isinstance(entry.event, EffectsRead):
            read += len({row.id for row in (*rows, *entry.event.rows)})
            stored = {row.id for row in rows} - changed
            effects = dataclasses.replace(
                entry.event, rows=tuple(row for row in entry.event.rows if row.id not in changed)
            )
            problems |= dict.fromkeys(_disagreeing(effects, stored, may_lack=effects.later and not running))
    return Examined(
        problem="; ".join(problems),
        saw=f"{read} deliveries compared with their effects" if read else "no effect is described",
        observations=read,
    )


def _disagreeing(effects: EffectsRead, stored: Collection[str], *, may_lack: bool) -> Iterator[str]:
    copies: dict[str, int] = {}
    for row in effects.rows:
        copies[row.id] = copies.get(row.id, 0) + row.copies
    lacking = sorted(set(stored) - copies.keys())
    if lacking and not may_lack:
        yield _named(lacking, f"stored without {effects.name}")
    foreign = sorted(copies.keys() - set(stored))
    if effects.exactly and foreign:
        yield _named(foreign, f"{effects.name} of deliveries that are not stored")
    doubled = sorted(name for name, count in copies.items() if count > 1)
    if effects.exactly and doubled:
        yield _named(doubled, f"{effects.name} more than once")


@check(Kind.SAFETY)
def refused_is_not_stored(history: History) -> Examined:
    """A delivery is not in the database if each of its requests was refused, throttled or rejected: 503, 429 or 4xx.

    A service that cannot know, for example because the answer to a COMMIT was lost, answers 504 or 500 instead.

    It must not be there either until it was sent again and not refused.
    """
    own = {name: [e for e in sent if e.sent.purpose != Purpose.AGAIN] for name, sent in by_delivery(history).items()}
    refused = {name for name, sent in own.items() if sent and all(e.outcome in NOT_STORED for e in sent)}
    requests = sum(e.outcome in NOT_STORED for sent in by_delivery(history).values() for e in sent)
    stored = {clash.delivery for clash in told(history).wrong(Wrong.REFUSED)}
    return Examined(
        problem=_named(sorted(stored), "refused, but stored"),
        saw=f"{requests} {'request' if requests == 1 else 'requests'} refused",
        observations=len(refused | stored),
    )


@check(Kind.SAFETY)
def same_answer_again(history: History) -> Examined:
    """A delivery that was acknowledged gets the same answer whenever it is sent again.

    The answers must be equal to the byte if the target says so; otherwise the repeat must only be confirmed. Two
    different acknowledgements always count. A repeat without an acknowledgement says nothing about the rows, and counts
    like any other failure.
    """
    began = history.last(RunBegan)
    to_the_byte = began is None or began.repeat_is_same
    changed: list[str] = []
    others: list[Exchange] = []
    contradicted = False
    allowed = allowed_losses(history)
    for sent in by_subject(history).values():
        answers = [e for e in sent if e.outcome in CONFIRMED and not excused(e, allowed)]
        if not answers:
            continue
        repeats = [e for e in sent if e.sent.purpose == Purpose.AGAIN and e.ended is not None]
        other = [e for e in (*answers, *repeats) if _differs(e, answers[0], to_the_byte=to_the_byte)]
        if other:
            contradicted = contradicted or any(e.outcome in CONFIRMED for e in other)
            others.extend(other)
            changed.append(
                f"{sent[0].name} ({_told(answers[0])[1][:80]!r}, then {_told(other[0])[1][:80]!r}: {other[0].story()})"
            )
    again = sum(e.sent.purpose == Purpose.AGAIN for e in exchanges(history))
    problem = _named(changed, "sent again, and answered otherwise")
    clock = tuple(by_the_clock(history, others))
    return Examined(problem=problem, saw=f"{again} sent again", observations=again, safety=contradicted, clock=clock)


def _differs(exchange: Exchange, first: Exchange, *, to_the_byte: bool) -> bool:
    """Whether an answer differs from the first one. Repeats may be answered "already"."""
    if not to_the_byte:
        return exchange.outcome not in CONFIRMED
    return exchange.outcome != ALREADY and _told(exchange) != _told(first)


def _told(exchange: Exchange) -> tuple[int | None, str]:
    return (exchange.ended.status, exchange.ended.answer) if exchange.ended else (None, "")
