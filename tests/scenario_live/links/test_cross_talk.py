"""A late reply that meets the next request: the standing checks find a service that takes it for its own."""

from __future__ import annotations

import dataclasses

import pytest

from harness import Fault, Lab, redis, wire
from harness.checks import Verdict
from harness.target import Target
from harness.target.sections.outcomes import OutcomesDescription
from harness.target.sections.service_log import LogDescription
from tests.scenario_live.support import Runs


def mixing(target: Target) -> Target:
    """The service of `mixing`, which stores where the real one does."""
    description = target.description
    command = ["{python}", "-m", "tests.scenario_live.mixing"]
    service = description.service.model_copy(update={"command": command, "ready": None})
    stored = description.stored.model_copy(update={"sources": False})
    contract = description.contract.model_copy(update={"taken_id": None, "openapi": None})
    owes_less = {
        "outcomes": OutcomesDescription(),
        "stored": stored,
        "contract": contract,
        "reads": {},
        "right": {},
        "wrong": {},
        "identities": {},
        "residue": {},
        "log": LogDescription(),
    }
    changed = description.model_copy(update={"service": service, "probes": None, **owes_less})
    return dataclasses.replace(target, description=changed)


@pytest.mark.parametrize(
    ("fault", "verdict", "failing"),
    [
        (wire.late(redis.answered("ECHO")), Verdict.FAILED, ("same_answer_again",)),
        (wire.delay(redis.answered("ECHO"), delay_ms=20), Verdict.HELD, ()),
    ],
    ids=["late", "in-time"],
)
def test_a_reply_for_another_request(runs: Runs, fault: Fault, verdict: Verdict, failing: tuple[str, ...]) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(fault):
            await lab.deliver()
            await lab.deliver()

    result = runs.on(target=mixing(runs.bed.target))(play)

    assert (result.verdict, result.failing_checks) == (verdict, failing), result.reason
