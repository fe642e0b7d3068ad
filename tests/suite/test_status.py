from __future__ import annotations

import pytest

from harness.checks import Verdict
from harness.exit_status import ExitStatus
from harness.results import RunKey, RunResult
from harness.results.finding import Finding
from harness.suite import exit_status
from tests.results.made import ablated, made, proof_of, summary_of

HELD, FAILED, INCONCLUSIVE, UNAVAILABLE = Verdict.HELD, Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.UNAVAILABLE


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ([HELD, HELD], ExitStatus.HELD),
        ([HELD, INCONCLUSIVE], ExitStatus.INCONCLUSIVE),
        ([INCONCLUSIVE, FAILED, HELD], ExitStatus.FAILED),
        ([], ExitStatus.NOTHING_RAN),
        ([HELD, UNAVAILABLE], ExitStatus.FAILED),
        ([INCONCLUSIVE, UNAVAILABLE], ExitStatus.FAILED),
    ],
)
def test_failed_outranks_inconclusive_outranks_held(verdicts: list[Verdict], status: ExitStatus) -> None:
    assert exit_status([made(verdict) for verdict in verdicts]) is status


@pytest.mark.parametrize(
    ("verdicts", "strict", "status"),
    [
        ([HELD, UNAVAILABLE], False, ExitStatus.HELD),
        ([UNAVAILABLE], False, ExitStatus.NOTHING_RAN),
        ([HELD, UNAVAILABLE], True, ExitStatus.FAILED),
    ],
)
def test_what_is_listed_need_not_run(verdicts: list[Verdict], strict: bool, status: ExitStatus) -> None:
    results = [made(verdict) for verdict in verdicts]
    assert exit_status(results, listed={"idle_pool_cut"}, strict=strict) is status


@pytest.mark.parametrize(
    ("control", "second", "status"),
    [
        (HELD, ablated(service_log="connection is closed"), ExitStatus.HELD),
        (HELD, ablated(HELD), ExitStatus.FAILED),
        (HELD, ablated(HELD, service_log="connection is closed"), ExitStatus.FAILED),
        (HELD, ablated(), ExitStatus.FAILED),
        (HELD, ablated(INCONCLUSIVE), ExitStatus.INCONCLUSIVE),
        (FAILED, ablated(service_log="connection is closed"), ExitStatus.FAILED),
        (FAILED, ablated(HELD), ExitStatus.FAILED),
        (INCONCLUSIVE, ablated(service_log="connection is closed"), ExitStatus.INCONCLUSIVE),
    ],
    ids=[
        "proved",
        "unproved",
        "unproved, logged",
        "misattributed",
        "not judged",
        "masked",
        "control failed",
        "control not judged",
    ],
)
def test_an_ablated_run_counts_by_its_proof(control: Verdict, second: RunResult, status: ExitStatus) -> None:
    first = made(control, role="control")
    assert exit_status([made(), first, second], [proof_of(first, second)]) is status


@pytest.mark.parametrize(
    ("verdict", "inconclusive", "status"),
    [
        (HELD, False, ExitStatus.FAILED),
        (HELD, True, ExitStatus.INCONCLUSIVE),
        (FAILED, True, ExitStatus.FAILED),
        (INCONCLUSIVE, False, ExitStatus.FAILED),
    ],
)
def test_what_is_found_beyond_the_runs_counts_like_them(
    verdict: Verdict, inconclusive: bool, status: ExitStatus
) -> None:
    found = Finding("baseline", "a", "scenario gone", "a is gone", inconclusive)
    assert exit_status([made(verdict)], findings=[found]) is status


def test_an_unavailable_pair_is_its_scenarios_affair() -> None:
    control = made(UNAVAILABLE)
    proofs = [proof_of(control, ablated(UNAVAILABLE))]
    assert (
        exit_status([made(key=RunKey("b", "hardened")), control], proofs, listed={"idle_pool_cut"}) is ExitStatus.HELD
    )
    assert exit_status([made(key=RunKey("b", "hardened")), control], proofs) is ExitStatus.FAILED


@pytest.mark.parametrize(
    ("listed", "strict", "status"),
    [((), False, ExitStatus.FAILED), (("idle_pool_cut",), False, ExitStatus.HELD),
     (("idle_pool_cut",), True, ExitStatus.FAILED)],
)  # fmt: skip
@pytest.mark.parametrize("proved", [True, False], ids=["of a proof", "of the matrix"])
def test_an_ablated_run_that_this_machine_cannot_do_counts_like_a_scenario(
    proved: bool, listed: tuple[str, ...], strict: bool, status: ExitStatus
) -> None:
    second = ablated(UNAVAILABLE, reason="needs seccomp: kernel 4.19")
    proofs = [proof_of(made(), second)] if proved else []
    assert exit_status([made(), second], proofs, listed=listed, strict=strict) is status
    assert summary_of(made(), second, proofs=proofs).counts[UNAVAILABLE] == 1
    assert summary_of(made(UNAVAILABLE), second, proofs=proofs).counts[UNAVAILABLE] == 1
