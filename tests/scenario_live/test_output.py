"""The service's output leads nowhere: it is started, found and used all the same."""

from __future__ import annotations

from typing import Literal

import pytest

from harness import Lab, link, process, redis
from harness.checks import Verdict
from tests.scenario_live.support import Runs, evidence, site_of


@pytest.mark.parametrize("to", ["full disk", "closed pipe"])
def test_output_that_cannot_be_written(runs: Runs, to: Literal["full disk", "closed pipe"]) -> None:
    fault = process.lose_output(to=to)

    async def play(lab: Lab) -> None:
        async with lab.inject(fault, link.down(redis)):
            mark = site_of(lab).service.log.size()
            await lab.deliver(2)
            assert site_of(lab).service.log.size() == mark
        await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result)[repr(fault)] == {"output_lost": 1}
    assert list(runs.folder.glob("logs/*.pipe")) == []


def test_an_output_that_nothing_shows(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(process.lose_output(to="full disk")):
            await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "was carried out, and nothing shows that the service felt it" in result.reason
