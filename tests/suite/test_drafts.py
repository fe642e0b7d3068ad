"""A proof that is not written yet is told of, and fails a strict gate."""

from __future__ import annotations

import pytest

from harness.checks.proof import Proof
from harness.exit_status import ExitStatus
from harness.results.finding import UNPROVED
from harness.scenario.scenario import Scenario
from harness.suite.drafts import draft_findings, draft_note
from harness.suite.status import exit_status
from tests.results.made import made


async def _play(_: object) -> None: ...


def scenario(match: str) -> Scenario:
    proofs = (Proof(protections=("pool.pre_ping",), fails="outcome", match=match),)
    return Scenario(id="new_one", theme="new_one", play=_play, proofs=proofs)


@pytest.mark.parametrize(("strict", "status"), [(False, ExitStatus.HELD), (True, ExitStatus.FAILED)])
def test_a_proof_that_is_still_todo_fails_a_strict_gate_only(strict: bool, status: ExitStatus) -> None:
    (finding,) = draft_findings(scenario("TODO"), strict=strict)
    assert finding.sentence == "new_one: the proof of pool.pre_ping is not written: `match` is still TODO"
    assert finding.warning is not strict
    assert exit_status([made()], findings=[finding]) is status


@pytest.mark.parametrize(("strict", "status"), [(False, ExitStatus.HELD), (True, ExitStatus.FAILED)])
def test_a_scenario_without_a_proof_is_unproved(strict: bool, status: ExitStatus) -> None:
    (finding,) = draft_findings(Scenario(id="new_one", theme="new_one", play=_play), strict=strict)
    assert (finding.kind, finding.sentence) == (UNPROVED, "new_one: unproved: nothing shows that it can fail")
    assert exit_status([made()], findings=[finding]) is status


def test_the_line_of_the_run_says_so() -> None:
    assert draft_note(scenario("TODO")) == "not written: `match` is still TODO for pool.pre_ping"


def test_a_proof_that_is_written_is_not_mentioned() -> None:
    assert not draft_note(scenario("ConnectionResetError"))
    assert not list(draft_findings(scenario("ConnectionResetError"), strict=True))
