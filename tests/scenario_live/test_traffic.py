"""Traffic lasts as long as its block: no longer, however the block ends."""

from __future__ import annotations

import pytest

from harness import ACKNOWLEDGED, REFUSED, Lab, link, no_fault, postgres, service
from harness.checks import Verdict
from harness.history import History
from harness.history.events import RequestEnded, RequestSent, StepEnded
from tests.scenario_live.support import Play, Runs, history_of


async def _to_its_end(lab: Lab) -> None:
    await lab.inject(no_fault)
    async with lab.traffic(clients=4):
        await lab.until(service.answers(at_least=20))


async def _until_it_raises(lab: Lab) -> None:
    async with lab.traffic(clients=4):
        await lab.until(service.answers(at_least=20))
        raise AssertionError("enough")


async def _until_a_moment_is_missed(lab: Lab) -> None:
    async with lab.traffic(clients=4):
        await lab.until(service.answers(at_least=20))
        await lab.until(service.logged("no such words"), within_s=0.05)


@pytest.mark.parametrize(
    ("play", "verdict"),
    [
        (_to_its_end, Verdict.HELD),
        (_until_it_raises, Verdict.FAILED),
        (_until_a_moment_is_missed, Verdict.INCONCLUSIVE),
    ],
)
def test_it_ends_with_its_block(runs: Runs, play: Play, verdict: Verdict) -> None:
    result = runs(play)

    assert result.verdict is verdict, result.reason
    history = history_of(result)
    over = max(entry.seq for entry in history.entries_of(StepEnded))
    sent = {sent.request for sent in history.of(RequestSent) if sent.purpose == "scenario"}
    ended = {ended.request for ended in History(history.entries[:over]).of(RequestEnded) if ended.request in sent}
    assert ended == sent
    assert len(sent) >= 20
    assert result.figures["requests"] == len(sent)


def test_each_of_its_answers_is_judged(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        async with lab.traffic(clients=4, expect=ACKNOWLEDGED):
            await lab.until(service.answers(at_least=4))
            async with lab.inject(link.down(postgres)):
                await lab.until(service.answers(at_least=4, outcome=REFUSED))

    result = runs(play)

    assert (result.verdict, result.failing_checks) == (Verdict.FAILED, ("outcome",))
