"""Clients that hang up at a message: which messages pass, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from harness.faults.clients.callers import Caller, Callers
from harness.faults.messages.hanging_up import HangingUp, HungUp
from harness.history.events import Named
from harness.polling import poll
from harness.relay import Ended, Fired, Match, Passed, Report, Rule
from harness.relay.rules import actions

RULE = Rule(id="r", hop="h", match=Match(direction="sent"), action=actions.HangUp(), always=True)
PLACE: Mapping[str, Any] = {
    "hop": "h",
    "t_ns": 0,
    "rule": "r",
    "service_port": 1,
    "message": "Query",
    "text": "COMMIT",
    "offset": 0,
}


@dataclass
class Relay:
    """Reports what a test has it report, and lets pass what it is told to."""

    listening: list[Callable[[Report], None]] = field(default_factory=list)
    released: list[int | None] = field(default_factory=list)

    def on_report(self, callback: Callable[[Report], None]) -> Callable[[], None]:
        self.listening.append(callback)
        return lambda: self.listening.remove(callback)

    async def arm(self, rule: Rule) -> None:
        assert rule is RULE

    async def disarm(self, rule_id: str) -> None:
        assert rule_id == RULE.id

    async def release(self, rule_id: str, *, connection: int | None = None) -> None:
        assert rule_id == RULE.id
        self.released.append(connection)
        self.report(Passed(connection=connection or 0, **PLACE))

    def holds(self, connection: int) -> None:
        self.report(Fired(connection=connection, passed_bytes=0, **PLACE))

    def report(self, report: Report) -> None:
        for callback in list(self.listening):
            callback(report)


async def _until(condition: Callable[[], bool]) -> None:
    assert await poll(condition, within_s=5, interval_s=0)


async def _turns() -> None:
    """Let everything run that can: nothing here waits for a clock, or for another process."""
    for _ in range(100):
        await asyncio.sleep(0)


@dataclass
class Ground:
    """A site with a made relay, and clients that hang up when a test lets them."""

    relay: Relay
    callers: Callers
    told: list[HungUp]
    hanging: HangingUp


def _ground() -> Ground:
    relay, callers, told = Relay(), Callers(), list[HungUp]()
    site: Any = SimpleNamespace(relay=relay, callers=callers, service=SimpleNamespace(port=9))
    return Ground(relay, callers, told, HangingUp(site, RULE, Named("here"), told.append))


@pytest.mark.asyncio
async def test_no_message_passes_before_every_open_request_is_at_its_own_and_has_hung_up() -> None:
    ground = _ground()
    one, other = Caller(1), Caller(2)
    await ground.hanging.begin()
    with ground.callers.calling(one), ground.callers.calling(other):
        ground.relay.holds(1)
        await _turns()
        assert not one.asked.done(), "the other may be the one whose message is held"
        ground.relay.holds(2)
        await _until(one.asked.done)
        one.over(hung_up=True)
        await _until(other.asked.done)
        assert ground.relay.released == []
        other.over(hung_up=True)
        await _until(lambda: len(ground.told) == 2)
    await ground.hanging.end()
    assert ground.relay.released == [1, 2]
    assert [(each.number, each.request, each.fired.connection) for each in ground.told] == [(1, 1, 1), (2, 2, 2)]


@pytest.mark.asyncio
async def test_a_message_that_is_held_while_another_client_hangs_up_waits_for_its_own() -> None:
    ground = _ground()
    first, next_one = Caller(1), Caller(2)
    await ground.hanging.begin()
    with ground.callers.calling(first):
        ground.relay.holds(1)
        await _until(first.asked.done)
    with ground.callers.calling(next_one):
        ground.relay.holds(2)
        first.over(hung_up=True)
        await _until(next_one.asked.done)
        assert ground.relay.released == [1]
        next_one.over(hung_up=True)
    await ground.hanging.end()
    assert ground.relay.released == [1, 2]


@pytest.mark.asyncio
async def test_what_is_held_for_no_client_passes_and_a_connection_that_ended_holds_nothing() -> None:
    ground = _ground()
    caller, other = Caller(1), Caller(2)
    await ground.hanging.begin()
    ground.relay.holds(1)
    await _until(lambda: ground.relay.released == [1])
    with ground.callers.calling(caller), ground.callers.calling(other):
        ground.relay.holds(2)
        ground.relay.report(
            Ended(
                hop="h", connection=2, t_ns=0, service_port=1, by="service", phase="idle", text="", direction_due=None
            )
        )
        ground.relay.holds(3)
        await _turns()
        assert not caller.asked.done()
    assert await ground.hanging.instead() == (
        "0 of 2 clients hung up; at most 1 such messages were held at once, with 2 requests open"
    )
    await ground.hanging.end()
