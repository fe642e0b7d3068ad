"""What the service owes for deliveries that are changed and removed, and for the ids that it assigns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.checks.facts.exchanges import Exchange, changed_deliveries, exchanges, several
from harness.checks.facts.lives import NOTHING, Act, Does, untrue
from harness.checks.registry import Examined, Kind, check
from harness.checks.standing.failover import ASYNCHRONOUS, allowed_losses, excused
from harness.history import History
from harness.history.events import Asks, FailedOver, RowsRead, RunBegan
from harness.vocabulary import ACKNOWLEDGED, CONFIRMED, FINAL_NO, UNKNOWN


@dataclass(frozen=True, slots=True)
class _Told:
    """An act, and the request or row that shows it."""

    act: Act
    by: str


@check(Kind.SAFETY)
def changes_are_kept(history: History) -> Examined:
    """What was changed stays changed, what was removed stays away, and a refused change has not happened.

    All answers and rows about a delivery that was changed or removed fit one order of its requests.
    """
    lives, stories = _lives(history), list[str]()
    for delivery, told in lives.items():
        found = untrue([each.act for each in told])
        if found is not None:
            known, untold = _names(history, delivery), told[found.act]
            may_be = " or ".join(sorted(known.get(body, "another body") for body in found.may_be))
            shown = untold.act.body if untold.act.does is Does.TELL else None
            shows = f", with {known.get(shown, 'another body')}" if shown else ""
            after = _last_asked(history, delivery, untold.act)
            stories.append(f"{delivery}: {untold.by}{shows}, but {after}only this is possible: {may_be}")
    return Examined(
        problem=several(stories, len(lives)) if stories else "",
        saw=f"{len(lives)} deliveries that were changed or removed" if lives else "nothing was changed or removed",
        observations=len(lives),
    )


def _last_asked(history: History, delivery: str, act: Act) -> str:
    """The last request before it that stored or changed the delivery, or tried to, in words."""
    asked = [each for each in exchanges(history) if each.sent.delivery == delivery and each.sent.asks in _ASKS]
    before = [each for each in asked if each.span[0] < act.began]
    return f"after {before[-1].name}: {before[-1].story()}, " if before else ""


_ASKS = (Asks.DELIVER, Asks.CHANGE)


def _names(history: History, delivery: str) -> Mapping[str, str]:
    """The names of bodies: each has the name of the request that brought it, accepted or not."""
    asked = [each for each in exchanges(history) if each.sent.delivery == delivery and each.sent.asks in _ASKS]
    brought = {each.sent.digest: f"what came by {each.name}" for each in asked}
    return {**brought, NOTHING: "nothing"}


def _lives(history: History) -> Mapping[str, Sequence[_Told]]:
    began = history.last(RunBegan)
    shows, later_ns = (began.rows_show_bodies, began.stored_within_ms * 1e6) if began else (True, 0.0)
    lives: dict[str, list[_Told]] = {name: [] for name in sorted(changed_deliveries(history) - _forgotten(history))}
    for each in exchanges(history):
        if each.sent.delivery in lives:
            lives[each.sent.delivery] += _said(each, later_ns)
    stored = {delivery for delivery, told in lives.items() if any(each.act.does is Does.STORE for each in told)}
    for entry, read in history.placed(RowsRead):
        bodies: dict[str, set[str]] = {}
        for row in read.rows:
            bodies.setdefault(row.id, set()).add(row.digest)
        for delivery in stored:
            for body in sorted(bodies.get(delivery, {NOTHING})):
                lives[delivery].append(_row(entry.t_ns, body, shows=shows))
    # For a delivery that was not stored in this history, its earlier state is unknown.
    return {delivery: told for delivery, told in lives.items() if delivery in stored}


def _row(t_ns: int, body: str, *, shows: bool) -> _Told:
    told = body if shows or not body else None
    return _Told(Act(Does.TELL, told, t_ns, t_ns), "a row is there" if body else "no row is there")


def _said(each: Exchange, later_ns: float) -> Iterator[_Told]:
    """What one request does or shows; nothing if it does neither.

    `later_ns`: how long after its answer the service may still store what it has acknowledged.
    """
    ended = math.inf if each.outcome == UNKNOWN else each.span[1] + later_ns
    by = f"{each.name}: {each.story()}"
    match Asks(each.sent.asks):
        case Asks.DELIVER if each.outcome in CONFIRMED | UNKNOWN:
            yield _Told(Act(Does.STORE, each.sent.digest, each.span[0], ended), by)
        case Asks.CHANGE if each.outcome in CONFIRMED | UNKNOWN:
            yield _Told(Act(Does.CHANGE, each.sent.digest, each.span[0], ended), by)
        case Asks.READ | Asks.READ_CHANGED if each.outcome in FINAL_NO:
            yield _Told(Act(Does.TELL, NOTHING, each.span[0], each.span[1]), by)
        case Asks.READ | Asks.READ_CHANGED if each.outcome == ACKNOWLEDGED:
            shown = each.ended.shown if each.ended else ""
            yield _Told(Act(Does.TELL, shown or None, each.span[0], each.span[1]), by)


def _forgotten(history: History) -> frozenset[str]:
    """Deliveries whose last change may be missing on a standby that lags behind."""
    over = [entry.t_ns for entry, each in history.placed(FailedOver) if each.standby == ASYNCHRONOUS]
    last = max(over, default=0)
    return frozenset(each.sent.delivery for each in exchanges(history) if over and each.span[0] <= last)


@check(Kind.SAFETY)
def given_for_good(history: History) -> Examined:
    """The id that the service gives to a delivery is the same in each answer, and no other delivery has it."""
    given: dict[str, set[str]] = {}
    allowed, count = allowed_losses(history), 0
    for each in exchanges(history):
        if each.ended is not None and each.ended.given and not excused(each, allowed):
            given.setdefault(each.sent.delivery, set()).add(each.ended.given)
            count += 1
    holders: dict[str, list[str]] = {}
    for delivery, ids in given.items():
        for one in ids:
            holders.setdefault(one, []).append(delivery)
    several_ids = [f"{name} was given {' and '.join(sorted(ids))}" for name, ids in given.items() if len(ids) > 1]
    shared = [f"{one} was given to {' and '.join(names)}" for one, names in holders.items() if len(names) > 1]
    stories = [*several_ids, *shared]
    return Examined(
        problem=several(stories, len(given)) if stories else "",
        saw=f"{count} answers that gave an id, to {len(given)} deliveries" if count else "the service gives no ids",
        observations=count,
    )
