"""Reads what the service has stored and which rows still wait to be processed."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence

from harness.checks.standing.safety import promised_deliveries
from harness.engine.rig import Rig
from harness.engine.tasks import at_once
from harness.engine.workload.outgoing import digest_shown, name_of, outgoing, shown
from harness.errors import HarnessError
from harness.history.events import Asks, RequestSent, StoredRow
from harness.polling import poll_async
from harness.stack.http.client import Response, UnansweredError
from harness.target import Delivery, OutgoingRequest
from harness.target.placeholders import GIVEN
from harness.target.sections.stored import ListingDescription
from harness.vocabulary import ABSENT, CONFIRMED

READ_EVERY_S = 0.05
_STORING = (Asks.DELIVER, Asks.TAKEN, Asks.CHANGE)
ASKED_AT_ONCE = 8


class UnreadableError(HarnessError):
    """The service itself has to list what it has stored, but does not."""


async def stored_rows(rig: Rig, ids: Sequence[str] | None = None) -> Sequence[StoredRow]:
    """Read the stored rows of these deliveries, or all stored rows.

    Raises UnreadableError if the service itself has to list them and does not.
    """
    stored = rig.target.description.stored
    if stored.query is not None:
        rows = await rig.sessions.of(rig.site.links[stored.link].link).rows(stored.query, ids)
        first = {} if stored.digests else _first_digests(rig)
        found = [StoredRow(name, digest if stored.digests else first.get(name, ""), n) for name, digest, n in rows]
        return [row for row in found if row.id not in rig.not_judged]
    if stored.listed is not None:
        listed = await _listed(rig, stored.listed)
        return [row for row in listed if row.id not in rig.not_judged and (ids is None or row.id in ids)]
    wanted = [rig.clients.sent[name] for name in (rig.clients.sent if ids is None else ids) if name in rig.clients.sent]
    turn = asyncio.Semaphore(ASKED_AT_ONCE)
    rows_of = await at_once(_of_one(rig, delivery, stored.read or rig.target.main_read, turn) for delivery in wanted)
    return [row for row in rows_of if row is not None]


async def _listed(rig: Rig, described: ListingDescription) -> Sequence[StoredRow]:
    """Ask the service for its list."""
    found = [each async for page in _pages(rig, described) for each in re.finditer(described.each, page)]
    shows, first = described.shows_bodies, _first_digests(rig)
    named = zip(_named(rig, described, found), found, strict=True)
    copies = Counter((name, digest_shown(each) if shows else first.get(name, "")) for name, each in named)
    return [StoredRow(name, digest, count) for (name, digest), count in copies.items()]


def _named(rig: Rig, described: ListingDescription, found: Sequence[re.Match[str]]) -> Sequence[str]:
    """The name of each delivery that is listed.

    Under an id that the service gave: if the answer that gave it was lost, its body tells whose it is. If nobody sent
    that body, it is called by its id.
    """
    if not described.lists_given:
        return [name_of(each.groupdict()) for each in found]
    by_id = {given: name for name, given in rig.clients.given.items()}
    stored = [sent for sent in rig.recorder.history.of(RequestSent) if sent.asks in _STORING]
    by_body = {sent.digest: sent.delivery for sent in stored} if described.shows_bodies else {}
    digests = [digest_shown(each) if by_body else "" for each in found]
    return [
        by_id.get(each[GIVEN]) or by_body.get(digest, each[GIVEN]) for each, digest in zip(found, digests, strict=True)
    ]


async def _pages(rig: Rig, described: ListingDescription) -> AsyncIterator[str]:
    """Each page of the list. Raises UnreadableError for a page that names one that has been read."""
    path: str | None = described.path
    read: set[str] = set()
    while path is not None:
        if path in read:
            raise UnreadableError(f"{described.path}, which lists what is stored, names {path} as the next page again")
        read.add(path)
        answer = await _asked(rig, OutgoingRequest("GET", path, described.headers, b""))
        if answer.status // 100 != 2:
            raise UnreadableError(f"{path}, which lists what is stored, got status {answer.status}")
        page = answer.body.decode("utf-8", "surrogateescape")
        yield page
        following = None if described.next is None else re.search(described.next, page)
        path = None if following is None else following["path"]


async def _of_one(rig: Rig, delivery: Delivery, read: str, turn: asyncio.Semaphore) -> StoredRow | None:
    """Ask the service for one delivery."""
    async with turn:
        answer = await _asked(rig, outgoing(rig.target, rig.clients.as_given(delivery), Asks.READ, read))
    label = rig.target.labels.label(answer.status, answer.headers, answer.body, reads=True)
    if label.outcome == ABSENT:
        return None
    if label.outcome not in CONFIRMED:
        raise UnreadableError(f"{read} of {delivery.name}, which reads what is stored, got status {answer.status}")
    return StoredRow(delivery.name, shown(rig.target, read, answer.body) or delivery.digest)


async def _asked(rig: Rig, request: OutgoingRequest) -> Response:
    try:
        async with asyncio.timeout(rig.clients.patience_s):
            return await rig.clients.http.request(rig.site.service.port, request)
    except (UnansweredError, TimeoutError) as problem:
        raise UnreadableError(f"{request.path}, which reads what is stored, got no answer: {problem!r}") from problem


def _first_digests(rig: Rig) -> Mapping[str, str]:
    """The digest of the first body sent under each name: the assumed content of a row without a digest."""
    first: dict[str, str] = {}
    for sent in rig.recorder.history.of(RequestSent):
        if sent.delivers:
            first.setdefault(sent.delivery, sent.digest)
    return first


async def rows_at_rest(rig: Rig) -> Sequence[StoredRow]:
    """Read all stored rows. Wait for acknowledged rows until the target's `within_ms` is over.

    It also waits for messages that a queue may deliver once more, because the service could store a delivery twice.
    """
    promised = promised_deliveries(rig.recorder.history)
    within_s = rig.target.description.stored.within_ms / 1e3
    rows: Sequence[StoredRow] = ()

    async def all_there() -> bool:
        nonlocal rows
        settled = within_s == 0 or await _unsettled(rig) == 0  # before the rows are read: what comes later counts, too
        rows = await stored_rows(rig)
        return settled and promised <= {row.id for row in rows}

    await poll_async(all_there, within_s=within_s, interval_s=READ_EVERY_S)
    return rows


async def _unsettled(rig: Rig) -> int:
    return sum([await rig.sessions.of(laid.link).unsettled() for laid in rig.site.own_links])


async def waiting_for_locks(rig: Rig) -> int:
    """Count the service's sessions that wait for a lock of another session."""
    return sum([await rig.sessions.of(laid.link).blocked() for laid in rig.site.own_links])
