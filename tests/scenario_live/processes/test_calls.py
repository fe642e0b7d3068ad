"""The service's own calls are answered with errors, on one link or for one kind of descriptor."""

from __future__ import annotations

import pytest

from harness import ANY_OUTCOME, Lab, postgres, redis, syscall
from harness.checks import Verdict
from harness.errors import UsageError
from tests.scenario_live.support import Runs, evidence, site_of


def test_calls_are_answered_where_they_are_meant(runs: Runs) -> None:
    """An EINTR does no harm, a lost connection is replaced, and no other link has felt it."""
    interrupted = (
        syscall.send(redis, errno="EINTR", times=2),
        syscall.receive(postgres, errno="EINTR", times=2),
        syscall.send(postgres, errno="EINTR"),
    )
    lost = syscall.send(redis, errno="EPIPE")
    no_file = syscall.no_descriptor(call="open", path="/no/such", errno="ENFILE")
    not_accepted = syscall.no_descriptor(call="accept", times=1)
    watched: list[frozenset[str]] = []

    async def play(lab: Lab) -> None:
        service = site_of(lab).service
        watched.append(service.process.spec.watched_calls)
        async with lab.inject(*interrupted):
            await lab.deliver(3)
        pid = service.process.pid
        async with lab.inject(lost):
            await lab.deliver(3)
        assert service.process.pid == pid  # it was watched already
        async with lab.inject(not_accepted):
            await lab.deliver(expect=ANY_OUTCOME)
        async with lab.inject(no_file):
            await lab.deliver()
        watched.append(service.process.spec.watched_calls)

    result = runs(play)

    assert set(result.failing_checks) <= {"log_clean"}, result.reason  # as in test_limit.py
    found = evidence(result)
    for fault in (*interrupted, lost, not_accepted):
        assert found[repr(fault)] == {"call_answered": 1}
    assert "call_answered" not in found.get(repr(no_file), {})
    details = {repr(each.fault): each.detail for each in result.evidence if each.kind == "call_answered"}
    assert "2 calls of the service" in details[repr(interrupted[0])]
    assert "on a connection to redis" in details[repr(lost)]
    assert "answered EPIPE" in details[repr(lost)]
    assert watched[0] == {"connect"}
    assert watched[1] > {"connect", "sendto", "recvfrom", "accept4", "openat"}


def test_what_would_never_end_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"syscall\.send: times = None: a program would repeat the call at once, for ever"
    ):
        syscall.send(redis, errno="EINTR", times=None)
    with pytest.raises(UsageError, match=r"syscall\.no_descriptor: path = '/x': socket names no file"):
        syscall.no_descriptor(call="socket", path="/x")
    with pytest.raises(UsageError, match="times = 0"):
        syscall.receive(postgres, errno="EPIPE", times=0)


def test_calls_that_were_never_made_prove_nothing(runs: Runs) -> None:
    fault = syscall.send(redis, errno="EPIPE", at=redis.sent("NEVER"))

    async def play(lab: Lab) -> None:
        async with lab.inject(fault):
            await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "left no evidence" in result.reason
