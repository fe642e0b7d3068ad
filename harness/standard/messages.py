"""What is broken at each statement that the service sends: on its way, at its answer, and by the server's errors."""

from __future__ import annotations

from collections.abc import Iterator

from harness.engine.steps import Deliver, Request, Until, Wait
from harness.faults import Fault, server, wire
from harness.protocols.contract.search import SEARCHED
from harness.protocols.contract.standard import STANDARD
from harness.scenario.schedule import Do
from harness.standard.planned import PREFIX, Planned
from harness.standard.shapes import MAY_NOT_KNOW, MAY_REFUSE, delivered, during, met_by, met_later
from harness.standard.statements import Statement
from harness.target import Target
from harness.vocabulary import Outcome

LATE_MS, COPIED = 100, 3
WHILE_S = 1.0
ERRORS_MAX = 40
"""This many errors use up the connections of any usual pool."""


def statement_breaks(statement: Statement, target: Target) -> Iterator[Planned]:
    """Each way in which one statement can go wrong."""
    at, word, once = statement.link, statement.shown, STANDARD.of(statement.link.protocol).cut_once
    yield _planned(
        statement, target, "cut", f"The connection to {at} ends before {word} arrives.",
        wire.cut(statement.sent), once,
    )  # fmt: skip
    yield _planned(
        statement, target, "swallowed", f"On its way to {at} {word} is swallowed, and nothing says so.",
        wire.stall(statement.sent), MAY_NOT_KNOW,
    )  # fmt: skip
    if statement.is_answered:
        yield from _answer_breaks(statement, target)


def _answer_breaks(statement: Statement, target: Target) -> Iterator[Planned]:
    at, word, once = statement.link, statement.shown, STANDARD.of(statement.link.protocol).cut_once
    yield _planned(
        statement, target, "answer_lost",
        f"The server of {at} carries {word} out, and its answer is lost with the connection.",
        wire.cut(statement.answered), once,
    )  # fmt: skip
    yield _planned(
        statement, target, "answer_swallowed", f"The server of {at} carries {word} out, and is silent from then on.",
        wire.stall(statement.answered), MAY_NOT_KNOW,
    )  # fmt: skip
    knows = STANDARD.of(at.protocol)
    for error in SEARCHED.of(at.protocol).errors if knows.may_err(statement.whole) else ():
        stands_for_all = error in _for_every_push(statement)
        # A service that takes another error of a COMMIT for a doubt is careful, not wrong.
        expect = MAY_NOT_KNOW if knows.commits(statement.whole) and not stands_for_all else MAY_REFUSE
        yield _planned(
            statement, target, f"errs_{error.code.lower()}",
            f"The server of {at} answers {word} with its error {error.code}.",
            wire.fail(statement.sent, code=error.code, fatal=error.fatal), expect,
            nightly="" if stands_for_all else "one error stands for all of them",
        )  # fmt: skip


def too_many_pairs(target: Target) -> int:
    """After this many pairs of requests no connection is left if each request keeps its own."""
    return min(target.description.limits.connections, ERRORS_MAX) // 2 + 1


def repeated_errors(statement: Statement, target: Target) -> Planned:
    """Errors for more requests than the service may hold connections: it must give each connection back.

    A pool that loses a connection at every error then has none left; without a pool there are too many connections.
    Each delivery is sent twice at once: a service that remembers it before it is stored acknowledges the second one.
    """
    at, word, error = statement.link, statement.shown, SEARCHED.of(statement.link.protocol).errors[0]
    deliveries = too_many_pairs(target)
    fault = wire.fail(statement.sent, code=error.code, fatal=error.fatal, always=True)
    return Planned(
        id=_id(statement, f"errs_for_{2 * deliveries}"),
        link=at.name,
        about=f"The server of {at} answers {word} of {deliveries} deliveries, each sent twice, with {error.code}.",
        moves=during([fault], [Deliver(deliveries, copies=2, expect=MAY_REFUSE), *met_later(fault, target)]),
    )


def repeated_read_errors(statement: Statement, target: Target) -> Planned:
    """Errors for more reads than the service may hold connections: a read that fails must give its own back, too."""
    at, word, error = statement.link, statement.shown, SEARCHED.of(statement.link.protocol).errors[0]
    count = min(target.description.limits.connections, ERRORS_MAX) + 1
    fault = wire.fail(statement.sent, code=error.code, fatal=error.fatal, always=True)
    reads = [Request(next(iter(target.description.reads)), expect=MAY_REFUSE)] * count
    return Planned(
        id=_id(statement, f"errs_for_{count}_reads"),
        link=at.name,
        about=f"The server of {at} answers {word} of {count} reads with {error.code}.",
        moves=(Do(Deliver()), *during([fault], reads)),
    )


def late_for_copies(statement: Statement, target: Target) -> Planned:
    """Two copies of each delivery come at once, and the storing statement is late: both have looked for it by then.

    Without a unique key, or another order of the two, such a service stores it twice.
    """
    at, word = statement.link, statement.shown
    fault = wire.delay(statement.sent, always=True, delay_ms=LATE_MS)
    return Planned(
        id=_id(statement, "late_for_copies"),
        link=at.name,
        about=f"{word} is {LATE_MS} ms late on its way to {at}, for {COPIED} deliveries that are sent twice at once.",
        moves=during([fault], [Deliver(COPIED, copies=2, expect=MAY_REFUSE), *met_later(fault, target)]),
    )


def errs_each_time(statement: Statement, target: Target) -> Planned:
    """A later statement that writes always fails: earlier writes must not stay without it."""
    at, word, error = statement.link, statement.shown, SEARCHED.of(statement.link.protocol).errors[0]
    return _planned(
        statement, target, "errs_each_time",
        f"The server of {at} answers {word} with its error {error.code}, however often it is sent.",
        wire.fail(statement.sent, code=error.code, fatal=error.fatal, always=True), MAY_REFUSE,
    )  # fmt: skip


def errs_for_a_while(statement: Statement) -> Planned:
    """A worker's call fails for a while. A worker that repeats it without a pause shows it within a second."""
    at, word, error = statement.link, statement.shown, SEARCHED.of(statement.link.protocol).errors[0]
    fault = wire.fail(statement.sent, code=error.code, fatal=error.fatal, always=True)
    meanwhile = Wait(WHILE_S, because="meanwhile a worker may try again")
    return Planned(
        id=_id(statement, "errs_for_a_while"),
        link=at.name,
        about=f"The server of {at} answers {word} with {error.code} for {WHILE_S:g} s, however often it is sent.",
        moves=during([fault], [delivered(1, MAY_REFUSE), Until(fault.fired()), meanwhile]),
    )


def dropped(statement: Statement) -> Planned:
    """A worker's call is lost, and its connection stays open and silent, also after the fault.

    Only a worker with a time limit of its own ever calls again: what is swallowed passes when the fault is over.
    """
    at, word, fault = statement.link, statement.shown, wire.drop(statement.sent)
    return Planned(
        id=_id(statement, "dropped"),
        link=at.name,
        about=f"On its way to {at} {word} is lost, and its connection stays open without an answer.",
        moves=during([fault], [delivered(1, MAY_REFUSE), Until(fault.fired())]),
    )


def answers_lost(statement: Statement, target: Target) -> Planned:
    """The answer to the statement that stores is lost each time, so the service cannot know after its last try.

    If only one answer is lost, the next try finds the row, and a service that answers a doubt with a refusal goes
    unnoticed.
    """
    at, word = statement.link, statement.shown
    return _planned(
        statement, target, "answer_lost_each_time",
        f"The server of {at} carries {word} out, and its answer is lost with the connection, however often it is sent.",
        wire.cut(statement.answered, always=True), MAY_NOT_KNOW,
    )  # fmt: skip


def answer_lost_and_away(statement: Statement, target: Target) -> Planned:
    """The server crashes after it has stored a row and before it answers: the service cannot look whether it did.

    A service that looks for its row finds it after any lost answer. Only with the server away must it answer in doubt.
    A worker stores a moment after the delivery was acknowledged, so the server is not healed before it has crashed.
    """
    at, word, held = statement.link, statement.shown, wire.hold(statement.answered)
    crash = server.crash(at, down_ms=None, at=held.fired())
    return Planned(
        id=_id(statement, "answer_lost_and_away"),
        link=at.name,
        about=f"The server of {at} carries {word} out, and crashes before its answer has come.",
        moves=during([held, crash], [delivered(1, MAY_NOT_KNOW), *met_later(crash, target)]),
    )


def _for_every_push(statement: Statement) -> tuple[object, ...]:
    return SEARCHED.of(statement.link.protocol).errors[:1]


def _id(statement: Statement, way: str) -> str:
    return f"{PREFIX}_{statement.word}_{way}_{statement.link.name}".replace(".", "_")


def _planned(
    statement: Statement, target: Target, way: str, about: str, fault: Fault, expect: Outcome, nightly: str = ""
) -> Planned:
    return Planned(
        id=_id(statement, way),
        link=statement.link.name,
        about=about,
        moves=met_by(statement, fault, target, expect),
        nightly=nightly,
    )
