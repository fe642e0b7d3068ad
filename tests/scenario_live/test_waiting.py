"""A slow answer is told with what the service was waiting for meanwhile."""

from __future__ import annotations

import re

import pytest

from harness import ANY_OUTCOME, Lab, Link, link, postgres, redis, server
from harness.checks import Verdict
from harness.history.events import RequestEnded
from tests.scenario_live.support import Runs, ends, limited


@pytest.mark.parametrize(
    ("target", "profile"), [(postgres, "hardened"), (redis, "incident")], ids=["postgres", "redis"]
)
def test_slower_and_late(runs: Runs, target: Link, profile: str) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(link.swallow(target)):
            await lab.deliver(expect=ANY_OUTCOME, slower_ms_max=100)

    result = runs.on(target=limited(runs.bed.target, request_deadline_ms=400))(play, profile=profile)

    assert (result.verdict, result.failing_checks) == (Verdict.FAILED, ("in_time", "slower"))
    for failing in result.failing:
        assert f"s, waiting for {target} (" in failing.reason


def test_a_lock_is_waited_for_at_the_server(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(server.lock(postgres, "deliveries")):
            await lab.deliver(expect=ANY_OUTCOME, slower_ms_max=100)

    result = runs(play)

    assert (result.verdict, result.failing_checks) == (Verdict.FAILED, ("slower",))
    assert ", waiting for postgres (" in result.reason


def test_the_incidents_fix_waits_twenty_seconds_for_a_silent_redis(runs: Runs) -> None:
    """At its full length, once: the one connection is new, as after any break of the old ones.

    redis-py 8.1 tries to connect twice, and each try asks twice: PING, and HELLO on a second connection; each
    waits for the five seconds of `socket_timeout`. A connection that is open and in use waits for ten: the
    command, and HELLO on a new connection.
    """

    async def play(lab: Lab) -> None:
        async with lab.inject(link.cut(redis), link.swallow(redis)):
            await lab.deliver(slower_ms_max=100)

    result = runs(play, profile="incident", patience_s=30.0)

    assert (result.verdict, result.failing_checks) == (Verdict.FAILED, ("in_time", "slower"))
    slower = result.failing[1].reason
    assert re.search(r"took (1[89]|2\d)\.\d+ s, waiting for redis", slower), slower
    (ended,) = ends(result, "scenario")
    assert isinstance(ended, RequestEnded)
    assert ended.status == 200
