"""The service's output leads nowhere: it is started, found and used all the same."""

from __future__ import annotations

import dataclasses
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
    assert "was carried out, but nothing shows that the service felt it" in result.reason


def test_a_service_that_ends_when_it_cannot_log(runs: Runs) -> None:
    """It was started so: that it does not come up is its own failure."""
    description = runs.bed.target.description
    says = "import runpy, sys; print('hello', flush=True); runpy.run_module('webhook', run_name='__main__')"
    service = description.service.model_copy(update={"command": ["{python}", "-c", says], "preload": []})
    target = dataclasses.replace(runs.bed.target, description=description.model_copy(update={"service": service}))

    async def play(lab: Lab) -> None:
        await lab.deliver()
        async with lab.inject(process.lose_output(to="full disk")):
            await lab.deliver()

    result = runs.on(target=target, preloaded=None)(play)

    assert (result.verdict, result.failing_checks) == (Verdict.FAILED, ("alive",)), result.reason
