"""The relay's hops in the test's own process, on the loop that they have in theirs: what is inside can be looked at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import uvloop

from harness.addresses import HostPort
from harness.relay import Report
from harness.relay.connection.notes import HopKind
from harness.relay.connection.pair import Pair
from harness.relay.hop.hop import HopServer
from harness.relay.hop.identity import Identity

T = TypeVar("T")


@dataclass
class Inside:
    """A hop, its port, and what it told."""

    hop: HopServer
    port: int = 0
    reports: list[Report] = field(default_factory=list)

    @property
    def pair(self) -> Pair:
        """The only connection."""
        (pair,) = self.hop.pairs
        return pair


@asynccontextmanager
async def laid_inside(upstream: HostPort, protocol: str = "redis") -> AsyncIterator[Inside]:
    reports: list[Report] = []
    hop = HopServer(HopKind("hop", protocol), upstream, Identity(), reports.append, set())
    inside = Inside(hop, await hop.open(), reports)
    try:
        yield inside
    finally:
        hop.close()


def on_the_relays_loop(play: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(play)
