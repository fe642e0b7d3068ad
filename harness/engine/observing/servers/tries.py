"""Records how often the service sent a statement for one request, as the relay has counted it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from harness.engine.rig import Rig
from harness.history.events import SentAgain, TriesCounted, TryMade
from harness.relay import Tally


@asynccontextmanager
async def tries_recorded(rig: Rig) -> AsyncIterator[None]:
    """Count tries on every link in the block, and record them when it has ended well."""
    await count_tries(rig)
    yield
    await record_tries(rig)


async def count_tries(rig: Rig) -> None:
    """Count tries anew, from now on, on every link."""
    subjects = rig.clients.deliveries.pattern
    await asyncio.gather(*(rig.site.relay.count_tries(laid.hop, subjects) for laid in rig.site.links.values()))


async def record_tries(rig: Rig) -> None:
    """Record what was counted."""
    tallies = await asyncio.gather(*(rig.site.relay.tries(laid.hop) for laid in rig.site.links.values()))
    for name, tally in zip(rig.site.links, tallies, strict=True):
        _record(rig, name, tally)


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
        rig.recorder.record("relay", SentAgain(link, each.statement, each.subject, tries, each.more))
