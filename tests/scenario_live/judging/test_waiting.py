"""A slow answer is told with what the service was waiting for meanwhile."""

from __future__ import annotations

import re

import pytest

from harness import ANY_OUTCOME, Lab, Link, link, postgres, redis, server
from harness.checks import Verdict
from harness.engine.phases.steady import WARM_AT_ONCE
from tests.scenario_live.support import Runs, ends, limited


@pytest.mark.parametrize(
    ("target", "profile", "besides"),
    [(postgres, "hardened", set[str]()), (redis, "incident", {"retries_capped"})],
    ids=["postgres", "redis"],
)
def test_slower_and_late(runs: Runs, target: Link, profile: str, besides: set[str]) -> None:
    """`besides`: the incident's client sends its SET again once the link is healed, which the target does not allow.

    Whether that falls between two requests for the delivery is a matter of milliseconds.
    """

    async def play(lab: Lab) -> None:
        async with lab.inject(link.swallow(target)):
            await lab.deliver(expect=ANY_OUTCOME, slower_ms_max=100)

    result = runs.on(target=limited(runs.bed.target, request_deadline_ms=400))(play, profile=profile)

    late = [each for each in result.failing if each.name not in besides]
    assert (result.verdict, [each.name for each in late]) == (Verdict.FAILED, ["in_time", "slower"]), result.failing
    for failing in late:
        assert f"s, waiting for {target} (" in failing.reason


def test_a_lock_is_waited_for_at_the_server(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(server.lock(postgres, "deliveries")):
            await lab.deliver(expect=ANY_OUTCOME, slower_ms_max=100)

    result = runs(play)

    assert (result.verdict, result.failing_checks) == (Verdict.FAILED, ("slower",))
    assert ", waiting for postgres (" in result.reason


def test_the_incidents_fix_waits_twenty_seconds_for_a_silent_redis(runs: Runs) -> None:
    """At its full length, once: the sixth delivery finds five connections in use, and dials.

    Four waits of `socket_timeout`, five seconds each: redis-py 8.1 makes two tries to connect, and in each sends
    PING, and after a new connect HELLO. On a connection that was open there are two: the command, and HELLO
    after its one new connect.
    """

    async def play(lab: Lab) -> None:
        async with lab.inject(link.swallow(redis)):
            await lab.deliver(WARM_AT_ONCE + 1, slower_ms_max=15_000)

    result = runs(play, profile="incident", patience_s=30.0)

    assert (result.verdict, result.failing_checks) == (Verdict.FAILED, ("in_time", "slower"))
    slower = result.failing[1].reason
    assert re.search(r"took (1[89]|2\d)\.\d+ s, waiting for redis", slower), slower
    assert {ended.status for ended in ends(result, "scenario")} == {200}
