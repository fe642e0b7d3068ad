"""The faults at the statements of a change or a removal that differ from a delivery's."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence

from harness.engine.steps import Deliver, Request
from harness.faults import Fault, wire
from harness.protocols.contract.search import SEARCHED
from harness.protocols.contract.standard import STANDARD
from harness.scenario.schedule import Do
from harness.standard.planned import PREFIX, Planned
from harness.standard.shapes import MAY_NOT_KNOW, during
from harness.standard.statements import Statement
from harness.target import Target


def all_changes(
    changes: Mapping[str, Sequence[Statement]], delivered: Sequence[Statement], target: Target
) -> Iterator[Planned]:
    """Each way in which a change can go wrong. `delivered`: the statements of deliveries, which other scenarios break.

    A change that names a version (`If-Match`) reads the delivery before the fault, because the delivery's own answer
    may not show the version.

    Only its authors know whether a change may be sent twice. So the service may refuse it, or leave it in doubt. What
    it says must be true.
    """
    known = {(each.link.name, each.whole) for each in delivered}
    for name, sent in changes.items():
        reads = [*target.description.reads][:1] if name in target.description.versioned else []
        for each in _of_change(name, sent, known):
            stored, *rest = each.moves
            yield dataclasses.replace(each, moves=(stored, *[Do(Request(read)) for read in reads], *rest))


def _of_change(name: str, sent: Sequence[Statement], known: Collection[tuple[str, str]]) -> Iterator[Planned]:
    broken = [each for each in sent if not each.by_chance]
    own = [each for each in broken if (each.link.name, each.whole) not in known]
    stores = _that_stores(broken)
    for statement in [*own, *([stores] if stores is not None and stores not in own else [])]:
        yield from _breaks(name, statement)
    if stores is not None and stores.is_answered:
        fault = wire.cut(stores.answered, always=True)
        about = f"{stores.shown} of {name} is carried out, and its answer is lost, however often it is sent."
        yield _planned(name, stores, "answer_lost_each_time", about, fault)


def _that_stores(sent: Sequence[Statement]) -> Statement | None:
    """The statement that makes a change durable: the COMMIT, or else the first that writes; None if there is none."""
    for link in dict.fromkeys(each.link for each in sent):
        knows, here = STANDARD.of(link.protocol), [each for each in sent if each.link == link]
        for fits in (knows.commits, knows.writes):
            found = next((each for each in here if fits(each.whole)), None)
            if found is not None:
                return found
    return None


def _breaks(name: str, statement: Statement) -> Iterator[Planned]:
    at, shown = statement.link, f"{statement.shown} of {name}"
    yield _planned(
        name, statement, "cut", f"The connection to {at} ends before {shown} arrives.", wire.cut(statement.sent)
    )
    if not statement.is_answered:
        return
    about = f"The server of {at} carries {shown} out, and its answer is lost with the connection."
    yield _planned(name, statement, "answer_lost", about, wire.cut(statement.answered))
    errors = SEARCHED.of(at.protocol).errors if STANDARD.of(at.protocol).may_err(statement.whole) else ()
    for error in errors[:1]:
        about = f"The server of {at} answers {shown} with its error {error.code}, however often it is sent."
        fault = wire.fail(statement.sent, code=error.code, fatal=error.fatal, always=True)
        yield _planned(name, statement, "errs_each_time", about, fault)


def _planned(name: str, statement: Statement, way: str, about: str, fault: Fault) -> Planned:
    return Planned(
        id=f"{PREFIX}_{name}_{statement.word}_{way}_{statement.link.name}".replace(".", "_"),
        link=statement.link.name,
        about=about,
        moves=(Do(Deliver()), *during([fault], [Request(name, expect=MAY_NOT_KNOW)])),
    )
