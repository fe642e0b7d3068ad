"""What the contract demands of the service's answers, on the service itself."""

from __future__ import annotations

import dataclasses

from harness import REFUSED, Lab, link, no_fault, postgres, redis
from harness.checks import Verdict
from harness.history.events import RequestSent
from tests.scenario_live.support import Runs, history_of


async def _nothing_broken(lab: Lab) -> None:
    await lab.inject(no_fault)
    await lab.deliver()
    await lab.contract()


async def _redis_away(lab: Lab) -> None:
    async with lab.inject(link.down(redis)):
        await lab.deliver()
        await lab.contract()


def test_a_refusal_is_owed_only_while_something_is_broken(runs: Runs) -> None:
    for play, allowed in ((_nothing_broken, False), (_redis_away, True)):
        result = runs(play)
        asked = [s for s in history_of(result).of(RequestSent) if s.purpose == "scenario" and s.owed is not None]
        assert result.verdict is Verdict.HELD, result.reason
        assert len(asked) > 30
        assert {REFUSED in sent.owed for sent in asked if sent.owed is not None} == {allowed}


def test_a_read_that_shows_no_body_is_noticed(runs: Runs) -> None:
    given = runs.bed.target.description
    read = given.reads["delivery"].model_copy(update={"shows": '"never":"(?P<base64>[^"]*)"'})
    target = dataclasses.replace(runs.bed.target, description=given.model_copy(update={"reads": {"delivery": read}}))
    result = runs.on(target=target)(_nothing_broken)
    assert (result.verdict, result.failing_checks) == (Verdict.FAILED, ("carries",))
    assert "without the stored body" in result.reason


def test_a_single_request_is_owed_its_answer_whatever_is_broken(runs: Runs) -> None:
    """As a delivery is: who expects a refusal says so."""

    async def play(lab: Lab) -> None:
        await lab.deliver()
        async with lab.inject(link.down(postgres)):
            await lab.request("again", expect=REFUSED)
            await lab.request("delivery")

    result = runs(play)
    assert (result.verdict, result.failing_checks) == (Verdict.FAILED, ("owed",)), result.reason
