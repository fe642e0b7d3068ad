"""Sends each request of the description once, and reports answers that it does not promise."""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass

from harness.engine.performer import Performer
from harness.engine.rig import Rig
from harness.engine.workload.changing import GONE
from harness.engine.workload.clients import Answer, Errand
from harness.engine.workload.contract import AGAIN, TAKEN
from harness.engine.workload.outgoing import health_paths, outgoing
from harness.errors import HarnessError, UsageError
from harness.history.events import Asks, Purpose, RequestEnded, RequestSent
from harness.inspection.found import Found, excerpt, place_of
from harness.polling import poll_async
from harness.results.places import shown
from harness.results.text import telling_lines
from harness.target import Delivery, Target
from harness.vocabulary import ACKNOWLEDGED

PATH_WRONG = (404, 405)
SERVER_ERROR = 500
MUST_KNOW_AGAIN = (
    "a sender that had no answer sends the same delivery once more: the service must acknowledge it again; if this "
    "answer says that it is stored already, write [outcomes.already] with status = {status}"
)
LOGGED_WITHIN_S = 1.0
"""How long to wait until the log reports an error that was answered."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A delivery that was sent, and what is wrong if it was not acknowledged.

    `taken`: the service has worked on it, so it must have used its links.
    """

    delivery: Delivery
    found: Found
    taken: bool


def sender_table(target: Target) -> str:
    """The table of the description that says how a delivery is sent."""
    return "sender.http" if target.description.sender.http is not None else "sender"


async def delivered(rig: Rig) -> Delivered:
    """Send one delivery, which must be acknowledged."""
    delivery, table = rig.clients.deliveries.next(), sender_table(rig.target)
    what = f"[{table}]"
    try:
        request = outgoing(rig.target, delivery, Asks.DELIVER, "")
    except Exception as problem:  # noqa: BLE001  # of the user's own Python: told with its place
        return Delivered(delivery, Found(what=what, problem=raised(rig.target, problem)), taken=False)
    answer = await rig.send(Purpose.WARM, delivery)
    said = f"{request.method} {request.path}: {_told(answer)}"
    if answer.outcome == ACKNOWLEDGED:
        return Delivered(delivery, Found(what=what, saw=said), taken=True)
    sent = excerpt(request.body.decode("utf-8", "replace")) if answer.status not in PATH_WRONG else ""
    body = f"; its body was {sent}" if sent else ""
    why = f"a delivery was answered {_told(answer)}{body}; the service logged: {await _logged(rig, answer)}"
    key, value = _blamed(rig.target, request.path, answer)
    wrong = UsageError.at(place_of(rig.target, table), key, value, why, mend=_mend(answer))
    return Delivered(delivery, Found(what=what, problem=wrong), taken=answer.status not in PATH_WRONG)


def _blamed(target: Target, path: str, answer: Answer) -> tuple[str, str | None]:
    """The key that is most likely wrong, and its value; the path only if the answer says that there is no such path."""
    template = target.description.sender.http
    if template is None:
        return "python", target.description.sender.python
    if template.body is not None and answer.status is not None and answer.status not in PATH_WRONG:
        return "body", template.body
    return "path", path


async def _logged(rig: Rig, answer: Answer) -> str:
    """Its last line with an error. A service may log a request's error after its answer."""
    log, expression = rig.site.service.log, re.compile(rig.target.description.service.unhandled, re.MULTILINE)

    async def told() -> bool:
        return expression.search(log.read()) is not None

    if answer.status is not None and answer.status >= SERVER_ERROR:
        await poll_async(told, within_s=LOGGED_WITHIN_S)
    return excerpt(next(iter(telling_lines(log.read())), "nothing"))


def _mend(answer: Answer) -> str:
    if answer.status in PATH_WRONG:
        return "correct the path and the method: the service knows no such request"
    if answer.status is None:
        return "send this request by hand: nothing is broken, so it must have an answer in time"
    if answer.status < 300:  # of HTTP
        return "say with [outcomes] what this answer means"
    return (
        "correct headers and body of the delivery, or say with [outcomes] what this answer means; if it cannot "
        "take the texts of {body} (NUL, lone surrogates), write a body without {body}"
    )


def _told(answer: Answer) -> str:
    if answer.status is None:
        return f"not at all: {answer.problem}"
    body = excerpt(answer.body.decode("utf-8", "replace"))
    return f"{answer.status}, which means {answer.outcome}{f': {body}' if body else ''}"


def raised(target: Target, problem: Exception) -> UsageError:
    """The error of a sender in Python, with the line of its own file that raised it."""
    frames = traceback.extract_tb(problem.__traceback__)
    own = [frame for frame in frames if str(target.path.parent) in frame.filename] or frames
    where = f"{shown(own[-1].filename)}:{own[-1].lineno}"
    told = f"{type(problem).__name__}: {problem}"
    return UsageError.at(
        place_of(target, "sender"), "python", target.description.sender.python, f"{where} raised {told}",
        mend="fix that line; docs/target.md describes the arguments of a sender",
    )  # fmt: skip


async def contract_kept(rig: Rig, performer: Performer, delivery: Delivery) -> AsyncIterator[Found]:
    """Send every other request of the description once. `delivery`: one that was acknowledged."""
    described = rig.target.description
    for name in performer.contract.names:
        if name == TAKEN and described.contract.taken_id is None:
            continue
        if name in described.changes:
            yield await _changed(rig, performer, name)
            continue
        about = delivery if name in (AGAIN, TAKEN, *described.reads) else None
        yield await _asked(rig, performer, name, about)
    for name in described.reads:
        yield await _asked(rig, performer, name, None)


async def _changed(rig: Rig, performer: Performer, name: str) -> Found:
    """Store a separate delivery, change it, and check that this had the effect that the description promises."""
    delivery = rig.clients.deliveries.next()
    await rig.send(Purpose.WARM, delivery)
    described = rig.target.description
    read = Errand(purpose=Purpose.WARM, asks=Asks.READ_CHANGED, name=next(iter(described.reads), ""))
    if name in described.versioned and described.reads:
        await rig.clients.send(delivery, read)
    found = await _asked(rig, performer, name, delivery)
    if found.problem is not None or not rig.target.description.reads:
        return found
    now = rig.recorder.history.last(RequestSent)
    answer = await rig.clients.send(delivery, read)
    ended = rig.recorder.history.last(RequestEnded)
    removes = rig.target.description.changes[name].removes
    shown = ended.shown if ended else ""
    if answer.outcome in (GONE if removes else ACKNOWLEDGED) and (
        removes or not shown or now is None or shown == now.digest
    ):
        return found
    owed = str(GONE) if removes else "the changed body"
    return Found(
        what=found.what, problem=not_as_owed(rig.target, f"changes.{name}", rig.target.main_read, answer, owed, ())
    )


async def _asked(rig: Rig, performer: Performer, name: str, about: Delivery | None) -> Found:
    table = _table(rig.target, name)
    what = f"[{table}]" + (", never sent" if about is None and name in rig.target.description.reads else "")
    try:
        answer = await performer.contract.ask(name, about, broken=False, expect=None)
    except HarnessError as problem:
        return Found(what=what, problem=problem)
    except Exception as problem:  # noqa: BLE001  # of the user's own sender
        return Found(what=what, problem=raised(rig.target, problem))
    history = rig.recorder.history
    sent, ended = history.last(RequestSent), history.last(RequestEnded)
    owed, lacks = (sent.owed if sent else None), (ended.lacks if ended else ())
    if (owed is None or answer.outcome in owed) and not lacks:
        return Found(what=what, saw=_told(answer))
    return Found(what=what, problem=not_as_owed(rig.target, table, name, answer, str(owed), lacks))


def not_as_owed(target: Target, table: str, name: str, answer: Answer, owed: str, lacks: Sequence[str]) -> UsageError:
    """The error about a request whose answer is not the promised one."""
    lacking = f", and lacks {', '.join(lacks)}" if lacks else f" where {owed} is owed"
    problem = f"was answered {_told(answer)}{lacking}"
    mend = "correct the description of this request, or of what answers mean ([outcomes]); else the service is wrong"
    mend = MUST_KNOW_AGAIN.format(status=json.dumps([str(answer.status)])) if name == AGAIN else mend
    return UsageError.at(place_of(target, table), "name", name, problem, mend=mend)


def _table(target: Target, name: str) -> str:
    described = target.description
    tables: Mapping[str, Collection[str]] = {
        "reads": described.reads, "changes": described.changes, "right": described.right, "wrong": described.wrong
    }  # fmt: skip
    for table, known in tables.items():
        if name in known:
            return f"{table}.{name}"
    return f"service.{name}" if name in health_paths(target) else f"contract, {name}"
