"""A service that listens where other machines reach it, or has little room, is told so, if its target limits that."""

from __future__ import annotations

import dataclasses

import pytest

from harness import Lab, no_fault
from harness.checks import Verdict
from harness.engine.observing.service.ports import SOMAXCONN
from tests.scenario_live.support import Runs


@pytest.mark.parametrize(("host", "verdict"), [("0.0.0.0", Verdict.FAILED), ("127.0.0.1", Verdict.HELD)])  # noqa: S104  # what the test is about
def test_ports_open_to_others(runs: Runs, host: str, verdict: Verdict) -> None:
    description = runs.bed.target.description
    environment = {**description.service.environment, "WEBHOOK_HOST": host}
    service = description.service.model_copy(update={"environment": environment})
    more: dict[str, object] = {"service": service}
    if verdict is Verdict.FAILED:  # the kernel gives no more room than this, and the service asks for 2,048
        more["limits"] = description.limits.model_copy(update={"backlog": 2_048 + 100})
    target = dataclasses.replace(runs.bed.target, description=description.model_copy(update=more))

    async def play(lab: Lab) -> None:
        await lab.inject(no_fault)
        await lab.deliver()

    result = runs.on(target=target)(play)

    assert result.verdict is verdict, result.reason
    if verdict is Verdict.FAILED:
        room = min(2_048 + 100, int(SOMAXCONN.read_text())) - 2_048
        told = [] if room <= 0 else [f"connections without room to wait stay at {room}, at most 0"]
        assert result.reason == "; ".join(["leaves_nothing: ports open to others stay at 1, at most 0", *told])
