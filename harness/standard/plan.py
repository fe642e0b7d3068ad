"""Plans the scenarios of the standard suite for one target."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from harness.engine.steps import Contract, Deliver, Inject, Traffic, Until, Wait
from harness.faults import no_fault
from harness.faults.example import Ground
from harness.faults.fault import Need
from harness.protocols.contract.standard import STANDARD, Break, Standard
from harness.scenario.schedule import Begin, Do, End, Move
from harness.standard.changes import all_changes
from harness.standard.example_moves import moves_of
from harness.standard.ground import ground_of, links_of
from harness.standard.links import LinkBreak, link_breaks
from harness.standard.messages import (
    answer_lost_and_away,
    answers_lost,
    dropped,
    errs_each_time,
    errs_for_a_while,
    late_for_copies,
    repeated_errors,
    repeated_read_errors,
    statement_breaks,
    too_many_pairs,
)
from harness.standard.planned import PREFIX, LeftOut, Planned
from harness.standard.shapes import felt_later
from harness.standard.statements import Statement
from harness.target import Target
from harness.target.sections.residue import MEMORY, REMEMBERED
from harness.vocabulary import Link

CLIENTS_MAX = 4
MANY_S = 15.0
"""In this time a service that answers sixty requests per second gets enough of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbroken:
    """The observation of one service with nothing broken. `unrecorded`: why there is none.

    `kept`: how many connections it keeps between two requests, by link. `used`: links on which it sent anything;
    `others_only`: links that it used only for a read or a repeat, not for a delivery. `left_out`: kinds that failed and
    could not be recorded. `changes`: the statements of each change, by its name.
    """

    statements: Sequence[Statement]
    kept: Mapping[str, int]
    used: frozenset[str]
    unrecorded: str = ""
    left_out: Sequence[LeftOut] = ()
    others_only: frozenset[str] = frozenset()
    changes: Mapping[str, Sequence[Statement]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StandardSuite:
    """The scenarios for one target on this machine, and what does not apply there."""

    planned: Sequence[Planned]
    left_out: Sequence[LeftOut]


def standard_suite(target: Target, seen: Unbroken, lacking: Callable[[Need], str | None]) -> StandardSuite:
    """Plan the suite. `lacking`: why this machine or stack cannot provide a need, None if it can."""
    left_out = [LeftOut("the statements", seen.unrecorded)] if seen.unrecorded else list(seen.left_out)
    planned = [_unrecorded(target, seen.unrecorded)] if seen.unrecorded else []
    for each in chain(_all(target, seen, left_out), all_changes(seen.changes, seen.statements, target)):
        missing = [(need, why) for need in each.needs(target) if (why := lacking(need)) is not None]
        if missing:
            left_out.append(LeftOut(each.id, f"needs {missing[0][0]}: {missing[0][1]}"))
        else:
            planned.append(each)
    return StandardSuite(planned, left_out)


def _unrecorded(target: Target, why: str) -> Planned:
    """A scenario that fails. Without it, a suite that lacks the service's statements could hold."""
    about = "The service survives cut connections. Otherwise its statements cannot be recorded, and so not be broken."
    return Planned(
        id=f"{PREFIX}_recorded",
        link=links_of(target)[0].name,
        about=about,
        moves=(Do(Inject((no_fault,))), Do(Deliver())),
        fails=f"the statements were not broken, because in each recording {why}",
    )


def _with_nothing_broken(target: Target) -> Iterator[Planned]:
    yield _every_request(target)
    if target.description.residue.keys() & {MEMORY, REMEMBERED}:
        yield _many_requests(target)


def _every_request(target: Target) -> Planned:
    """More requests of each kind than the service may hold connections: it must give back those of each.

    A leak at a read without a row, a repeat or a rejection stays below every limit if each comes only a few times.
    """
    rounds = too_many_pairs(target)
    return Planned(
        id=f"{PREFIX}_every_request_for_{rounds}_rounds",
        link=links_of(target)[0].name,
        about=f"Nothing is broken, and every request of the contract comes in {rounds} rounds.",
        moves=(Do(Inject((no_fault,))), Do(Deliver()), *[Do(Contract())] * rounds),
    )


def _many_requests(target: Target) -> Planned:
    """Enough requests to measure what the service keeps for ever of each: 900 are needed."""
    clients = min(CLIENTS_MAX, target.description.limits.connections)
    return Planned(
        id=f"{PREFIX}_many_requests",
        link=links_of(target)[0].name,
        about="Nothing is broken, and clients send one delivery after the other.",
        moves=(
            Do(Inject((no_fault,))),
            Begin(1, Traffic(clients=clients, small=True)),
            Do(Wait(MANY_S, because="what it keeps of each request shows after many")),
            End(1),
        ),
    )


def _all(target: Target, seen: Unbroken, left_out: list[LeftOut]) -> Iterator[Planned]:
    yield from _with_nothing_broken(target)
    for link in links_of(target):
        if not (seen.unrecorded or link.name in seen.used or seen.kept.get(link.name)):
            left_out.append(LeftOut(f"everything on {link}", "no request of the service's used it"))
            continue
        ground = ground_of(target, link)
        shared = target.description.links[link.name].shares is not None
        later = target.description.later_ms > 0
        yield from _of_link(link, ground, seen, left_out, shared=shared, later=later)
        for statement in seen.statements:
            if statement.link == link and statement.by_chance:
                why = "the service also sends it without a delivery, and names none: a fault could strike the wrong one"
                left_out.append(LeftOut(f"{statement.shown} on {link}", why))
            elif statement.link == link:
                yield from statement_breaks(statement, target)
        own = [each for each in seen.statements if each.link == link and not each.by_chance]
        yield from _of_some(own, target, STANDARD.of(link.protocol), shared=shared)


def _of_some(own: Sequence[Statement], target: Target, knows: Standard, *, shared: bool) -> Iterator[Planned]:
    """Breaks of some of a link's statements only: one statement stands for all, or no other is like it."""
    warm = [each for each in own if each.kind == "warm"]
    if knows.calls and target.description.later_ms:
        yield from map(errs_for_a_while, warm)
        yield from map(dropped, warm)
    for statement in [each for each in own if each.shows and knows.may_err(each.whole)][:1]:
        yield repeated_read_errors(statement, target)
    writing = [each for each in warm if knows.writes(each.whole)]
    for statement in writing[1:]:
        yield errs_each_time(statement, target)
    for statement in writing[:1]:
        yield repeated_errors(statement, target)
        yield late_for_copies(statement, target)
        stores = next((each for each in warm if knows.commits(each.whole)), statement)
        if stores.is_answered:
            yield answers_lost(stores, target)
            if not shared:
                yield answer_lost_and_away(stores, target)


def _of_link(
    link: Link, ground: Ground, seen: Unbroken, left_out: list[LeftOut], *, shared: bool, later: bool
) -> Iterator[Planned]:
    sent = [each for each in seen.statements if each.link == link and not each.by_chance]
    for each in link_breaks(ground, shared=shared, delivers=link.name not in seen.others_only):
        if each.at_rest and not seen.unrecorded and not seen.kept.get(link.name):
            why = f"the service keeps no connection to {link} between two requests"
            left_out.append(LeftOut(_id(link, each.name), why))
            continue
        moves = _for_a_worker(each, sent) if later else each.moves
        yield Planned(id=_id(link, each.name), link=link.name, about=each.about, moves=moves, nightly=each.nightly)
    for own in () if shared else STANDARD.of(link.protocol).breaks(ground):
        yield _of_protocol(link, own, later=later)


def _for_a_worker(of: LinkBreak, sent: Sequence[Statement]) -> tuple[Move, ...]:
    """The moves for a link that a worker uses after the answer: the worker first uses it, and then meets the fault.

    A worker has used the link when it has written. What its driver asks before that may be asked once only.
    """
    moves = of.moves if of.comes_back else felt_later(of.moves)
    warm = [each for each in sent if each.kind == "warm" and each.is_answered]
    writing = [each for each in warm if STANDARD.of(each.link.protocol).writes(each.whole)]
    used = next(iter(writing or warm), None)
    if used is None or not of.cuts:
        return moves
    first = Do(Deliver())
    return (first, Do(Until(used.answered)), *(moves[1:] if moves[0] == first else moves))


def _of_protocol(link: Link, own: Break, *, later: bool) -> Planned:
    moves = _with_contract(own)
    if later and own.example.met == "during":
        moves = felt_later(moves)
    return Planned(id=_id(link, own.name), link=link.name, about=own.about, moves=moves, nightly=own.nightly)


def _with_contract(own: Break) -> tuple[Move, ...]:
    """The fault's example, with every request of the contract before the heal (or before the end)."""
    moves = tuple(moves_of(own.example))
    if own.example.met == "until met":
        return moves
    asked = Do(Contract())
    return (*moves[:-1], asked, moves[-1]) if isinstance(moves[-1], End) else (*moves, asked)


def _id(link: Link, name: str) -> str:
    return f"{PREFIX}_{link.name}_{name}".replace(".", "_")
