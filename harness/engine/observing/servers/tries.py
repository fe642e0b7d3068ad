"""Records what the relay counted: tries of statements, errors, connections, and times without a request."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

from harness.engine.rig import Rig
from harness.engine.workload.deliveries import of_the_contract
from harness.history.events import (
    AskedForWrong,
    Asks,
    ConnectionsSeen,
    ConnectionUsed,
    ErrorMet,
    ErrorsMet,
    QuietSeen,
    QuietTime,
    RequestSent,
    SentAgain,
    TriesCounted,
    TryMade,
)
from harness.relay import OWN, Quiet, Tally
from harness.vocabulary.ids import id_of


@asynccontextmanager
async def tries_recorded(rig: Rig) -> AsyncIterator[None]:
    """Count tries on every link in the block, and record them if it ends well."""
    await count_tries(rig)
    yield
    await record_tries(rig)


async def count_tries(rig: Rig) -> None:
    """Start counting tries from zero on every link."""
    naming = rig.target.description.naming
    subjects, noted = rig.clients.deliveries.pattern(naming), ""
    if rig.target.description.contract.wrong_asks_nobody:
        noted = of_the_contract(rig.clients.deliveries.seed).pattern(naming)
    await asyncio.gather(*(rig.site.relay.count_tries(laid.hop, subjects, noted) for laid in rig.site.links.values()))


async def record_tries(rig: Rig) -> None:
    """Record the counts."""
    tallies = await asyncio.gather(*(rig.site.relay.tries(laid.hop) for laid in rig.site.links.values()))
    for name, tally in zip(rig.site.links, tallies, strict=True):
        _record(rig, name, tally)
    if rig.target.description.contract.wrong_asks_nobody:
        wrong = _only_wrong(rig)
        for name, tally in zip(rig.site.links, tallies, strict=True):
            asked = tuple(named for named in map(id_of, tally.noted) if named in wrong)
            rig.recorder.record("relay", AskedForWrong(name, len(wrong), asked))
    limit_ms = rig.target.description.limits.idle_wait_ms
    if limit_ms is not None:
        spans = quiet_everywhere([tally.quiet for tally in tallies])
        long = [QuietTime(*span) for span in spans if span[1] - span[0] > limit_ms * 1e6]
        rig.recorder.record("relay", QuietSeen(limit_ms, tuple(long)))


def _only_wrong(rig: Rig) -> frozenset[str]:
    """The ids that only wrong requests had."""
    wrong: set[str] = set()
    others: set[str] = set()
    for sent in rig.recorder.history.of(RequestSent):
        (wrong if sent.asks == Asks.WRONG else others).add(sent.delivery_id)
    return frozenset(wrong - others)


def quiet_everywhere(of_links: Sequence[Sequence[Quiet]]) -> Sequence[Quiet]:
    """The times that all links have in common. Without a link there are none."""
    if not of_links:
        return ()
    common, *others = of_links
    for other in others:
        common = _in_both(common, other)
    return common


def _in_both(first: Sequence[Quiet], second: Sequence[Quiet]) -> Sequence[Quiet]:
    """The common parts of two lists of times. Each list is in order, and its times do not overlap."""
    found: list[Quiet] = []
    at_first = at_second = 0
    while at_first < len(first) and at_second < len(second):
        (began_ns, ended_ns), (other_began_ns, other_ended_ns) = first[at_first], second[at_second]
        both = (max(began_ns, other_began_ns), min(ended_ns, other_ended_ns))
        found += [both] if both[0] < both[1] else []
        at_first, at_second = (at_first + 1, at_second) if ended_ns <= other_ended_ns else (at_first, at_second + 1)
    return found


def _record(rig: Rig, link: str, tally: Tally) -> None:
    limits = rig.target.description.links[link]
    rig.recorder.record(
        "relay",
        TriesCounted(
            link, tally.statements, tally.failed, tally.left_out, limits.tries, limits.mean_pause_ms,
            limits.retries_per_s,
        ),
    )  # fmt: skip
    for each in tally.tried:
        tries = tuple(TryMade(one.t_ns, one.answer, one.final) for one in each.tries)
        rig.recorder.record("relay", SentAgain(link, each.statement, id_of(each.subject), tries, each.more))
    rig.recorder.record("relay", ErrorsMet(link, tuple(_errors(tally)), tally.more_met))
    used = [ConnectionUsed(**dataclasses.asdict(life)) for life in tally.lives]
    ended = [each for each in used if each.ended_ns]
    listed = tuple(used) if len(ended) > 1 or any(not each.let_go for each in ended) else ()
    rig.recorder.record("relay", ConnectionsSeen(link, len(used), listed, tally.forgotten))


def _errors(tally: Tally) -> Iterator[ErrorMet]:
    # The connection was used until then: a service that ends it while an answer is under way has not read the answer.
    unused_since = {life.number: life.used_from_ns for life in tally.lives if life.ended_ns and life.by in OWN}
    for one in tally.met:
        unread = one.lost or unused_since.get(one.connection, one.t_ns + 1) <= one.t_ns
        yield ErrorMet(
            one.t_ns,
            one.connection,
            id_of(one.subject),
            one.statement,
            one.code,
            one.text,
            one.lost,
            unread,
            one.own,
            one.several,
        )
