from __future__ import annotations

import pytest

from harness.checks import CheckResult, Verdict
from harness.checks.proof import Proof
from harness.results import RunKey
from harness.results.ablation import PairVerdict, judge_pair, title
from harness.scenario.proving import pair_of, proof_tried_by
from harness.scenario.scenario import Scenario
from tests.results.made import PROOF, ablated, made


def failing(name: str, reason: str, *deliveries: str) -> tuple[CheckResult, ...]:
    return (CheckResult(name, True, reason, deliveries=deliveries),)


def test_the_reason_is_found_in_the_checks_own_words() -> None:
    second = ablated(checks=failing("outcome", "got unknown: connection is closed"))
    judgement = judge_pair(made(), second, PROOF)
    assert judgement.verdict is PairVerdict.PROVED
    assert "'connection is closed' in outcome" in judgement.reason


def test_the_reason_is_found_in_the_services_log() -> None:
    judgement = judge_pair(made(), ablated(service_log="InterfaceError: connection is closed\n"), PROOF)
    assert judgement.verdict is PairVerdict.PROVED
    assert "in the service's log" in judgement.reason


def test_a_pattern_that_finds_a_traceback_is_shown_by_its_ends() -> None:
    proof = Proof(protections=("p",), fails=PROOF.fails, match="Exception in.*is closed")
    log = f"Exception in ASGI application {'at a line of it ' * 200} connection is closed\n"
    reason = judge_pair(made(), ablated(service_log=log), proof).reason
    assert len(reason) < 400
    assert "'Exception in ASGI" in reason
    assert "connection is closed' in the service's log" in reason


@pytest.mark.parametrize(
    ("control", "log", "verdict"),
    [
        ("fine", "connection is closed", PairVerdict.PROVED),
        ("a: connection is closed", "b: connection is closed", PairVerdict.MISATTRIBUTED),
        ("a: connection is closed", "msg_a_1: connection is closed", PairVerdict.PROVED),
        ("a: connection is closed", "msg_a_3: connection is closed", PairVerdict.PROVED),
        ("a: connection is closed", "msg_a_12: connection is closed", PairVerdict.MISATTRIBUTED),
        ("a: connection is closed", "msg_a_1: no\nmsg_a_2: connection is closed", PairVerdict.MISATTRIBUTED),
    ],
)
def test_what_the_control_logs_too_has_to_be_the_failures_own(control: str, log: str, verdict: PairVerdict) -> None:
    """What makes up for a loss logs it too: with the protection as without it."""
    failed = failing("outcome", "2 of 5: msg_a_1: got refused (and 1 more)", "msg_a_1", "msg_a_3")
    judgement = judge_pair(made(service_log=control), ablated(checks=failed, service_log=log), PROOF)
    assert judgement.verdict is verdict, judgement.reason
    if verdict is PairVerdict.MISATTRIBUTED:
        assert "so it is in the control's, which held" in judgement.reason


@pytest.mark.parametrize(
    ("log", "verdict"),
    [
        ("12:00:02 port 4712: trying msg_a_1 again: connection is closed", PairVerdict.MISATTRIBUTED),
        ("12:00:02 port 4712: msg_a_1 is refused: connection is closed", PairVerdict.PROVED),
        (
            "12:00:02 port 4712: trying msg_a_1 again: connection is closed\nmsg_a_1 is refused: no room",
            PairVerdict.MISATTRIBUTED,
        ),
    ],
)
def test_a_line_that_the_control_has_of_a_delivery_that_held_is_no_reason(log: str, verdict: PairVerdict) -> None:
    """Times, ports and deliveries differ from run to run, and make it no other line."""
    control = made(service_log="11:59:58 port 4688: trying msg_a_2 again: connection is closed")
    second = ablated(checks=failing("outcome", "1 of 5: msg_a_1: got refused", "msg_a_1"), service_log=log)
    judgement = judge_pair(control, second, PROOF)
    assert judgement.verdict is verdict, judgement.reason
    if verdict is PairVerdict.MISATTRIBUTED:
        assert "that names a delivery that failed and that the control's has not" in judgement.reason


def test_a_state_check_needs_no_reason() -> None:
    proof = Proof(protections=("insert.idempotent",), fails="stored_once")
    second = ablated(checks=failing("stored_once", "stored more than once: msg_1 (2 times)"))
    judgement = judge_pair(made(), second, proof)
    assert judgement.verdict is PairVerdict.PROVED
    assert "msg_1 (2 times)" in judgement.reason


def test_a_control_that_failed_too_masks_the_proof() -> None:
    second = ablated(service_log="connection is closed")
    judgement = judge_pair(made(Verdict.FAILED, reason="because"), second, PROOF)
    assert judgement.verdict is PairVerdict.MASKED
    assert judgement.reason == "the control, idle_pool_cut@hardened, failed too: because"


def test_a_run_that_holds_without_the_protection_is_unproved_though_the_control_failed() -> None:
    judgement = judge_pair(made(Verdict.FAILED, reason="because"), ablated(Verdict.HELD), PROOF)
    assert judgement.verdict is PairVerdict.UNPROVED
    assert "because" in judgement.reason


@pytest.mark.parametrize(
    ("verdict", "pair"),
    [(Verdict.INCONCLUSIVE, PairVerdict.INCONCLUSIVE), (Verdict.UNAVAILABLE, PairVerdict.UNAVAILABLE)],
)
def test_without_a_control_that_was_judged_nothing_is_proved(verdict: Verdict, pair: PairVerdict) -> None:
    second = ablated(service_log="connection is closed")
    judgement = judge_pair(made(verdict, reason="because"), second, PROOF)
    assert judgement.verdict is pair
    assert "because" in judgement.reason


@pytest.mark.parametrize(
    ("verdict", "pair"),
    [(Verdict.INCONCLUSIVE, PairVerdict.INCONCLUSIVE), (Verdict.UNAVAILABLE, PairVerdict.UNAVAILABLE)],
)
def test_an_ablated_run_that_was_not_judged_proves_nothing(verdict: Verdict, pair: PairVerdict) -> None:
    second = ablated(verdict, checks=failing("outcome", "connection is closed"))
    assert judge_pair(made(), second, PROOF).verdict is pair


def test_a_run_that_holds_without_the_protection_is_unproved() -> None:
    assert judge_pair(made(), ablated(Verdict.HELD), PROOF).verdict is PairVerdict.UNPROVED


def test_a_run_that_holds_although_the_harm_was_done_says_what_to_take_away_too() -> None:
    second = ablated(Verdict.HELD, service_log="retrying: connection is closed")
    judgement = judge_pair(made(), second, PROOF)
    assert judgement.verdict is PairVerdict.UNPROVED
    assert "the service's log has 'connection is closed': name in `without` what makes up for it" in judgement.reason


def test_a_run_that_holds_because_a_busy_machine_hides_the_harm_is_inconclusive() -> None:
    seen = CheckResult("figure", failed=False, blurred="the machine was too busy, which spreads them: 9")
    proof = Proof(protections=("p",), fails="figure", match=PROOF.match)
    judgement = judge_pair(made(), ablated(Verdict.HELD, checks=(seen,)), proof)
    assert judgement.verdict is PairVerdict.INCONCLUSIVE
    assert judgement.reason == "it held without p, but the machine was too busy, which spreads them: 9"
    assert judge_pair(made(), ablated(Verdict.HELD, checks=(seen,)), PROOF).verdict is PairVerdict.UNPROVED


def test_a_held_run_is_no_harm_done_by_an_empty_expression() -> None:
    proof = Proof(protections=("insert.idempotent",), fails="stored_once")
    judgement = judge_pair(made(), ablated(Verdict.HELD, service_log="whatever"), proof)
    assert judgement.verdict is PairVerdict.UNPROVED
    assert "log" not in judgement.reason


def test_a_failure_of_another_check_is_a_misattribution() -> None:
    second = ablated(checks=failing("in_time", "connection is closed"), service_log="connection is closed")
    judgement = judge_pair(made(), second, PROOF)
    assert judgement.verdict is PairVerdict.MISATTRIBUTED
    assert "in_time: connection is closed" in judgement.reason


def test_a_named_failure_that_a_busy_machine_excuses_is_no_misattribution() -> None:
    busy = CheckResult("outcome", True, "connection is closed", excused="the machine was too busy: 93% of its cores")
    judgement = judge_pair(made(), ablated(checks=(busy, *failing("in_time", "no answer"))), PROOF)
    assert judgement.verdict is PairVerdict.INCONCLUSIVE
    assert judgement.reason == "the machine was too busy: 93% of its cores"


BUSY = "the machine was too busy: 93% of its cores"


@pytest.mark.parametrize(
    ("check", "reason", "log", "verdict"),
    [
        ("outcome", BUSY, "msg_a_1: connection is closed", PairVerdict.PROVED),
        ("outcome", BUSY, "msg_a_1: no room", PairVerdict.INCONCLUSIVE),
        ("outcome", "link.cut left no evidence", "msg_a_1: connection is closed", PairVerdict.INCONCLUSIVE),
        ("slower", BUSY, "msg_a_1: connection is closed", PairVerdict.INCONCLUSIVE),
    ],
)
def test_the_named_reason_in_the_log_proves_it_on_a_busy_machine_too(
    check: str, reason: str, log: str, verdict: PairVerdict
) -> None:
    """What was answered late has no other reason than the want of cores; what was answered otherwise has the log's."""
    result = CheckResult(check, True, "msg_a_1: got refused", deliveries=("msg_a_1",), excused=BUSY)
    proof = Proof(protections=PROOF.protections, fails=check, match=PROOF.match)  # type: ignore[arg-type]  # a check's name
    second = ablated(Verdict.INCONCLUSIVE, reason=reason, checks=(result,), service_log=log)
    assert judge_pair(made(), second, proof).verdict is verdict


def test_a_failure_for_another_reason_is_a_misattribution_that_says_what_was_seen() -> None:
    second = ablated(checks=failing("outcome", "got refused: pool is full"), service_log="fine\nError: no room\nbye\n")
    judgement = judge_pair(made(), second, PROOF)
    assert judgement.verdict is PairVerdict.MISATTRIBUTED
    assert "pool is full" in judgement.reason
    assert "Error: no room" in judgement.reason


def test_the_reason_of_another_check_does_not_count() -> None:
    both = (*failing("outcome", "got refused"), *failing("in_time", "connection is closed"))
    assert judge_pair(made(), ablated(checks=both), PROOF).verdict is PairVerdict.MISATTRIBUTED


def test_what_is_off_in_both_runs_and_what_in_one() -> None:
    proof = Proof(protections=("pool.pre_ping",), without=("retry.database",), fails="outcome", match="x")
    pair = pair_of("a", proof, "hardened")
    assert pair.control == RunKey("a", "hardened", ("retry.database",))
    assert pair.ablated == RunKey("a", "hardened", ("retry.database", "pool.pre_ping"))
    assert title(proof) == "pool.pre_ping (both without retry.database)"


def test_a_profile_alone_is_what_is_taken_away() -> None:
    pair = pair_of("a", Proof(protections=(), under="incident", fails="slower", match="x"), "hardened")
    assert (pair.control.profile, pair.ablated.profile) == ("hardened", "incident")


def test_a_protection_under_a_profile_is_proved_against_that_profile() -> None:
    proof = Proof(protections=("retry",), under="incident", fails="slower", match="x")
    pair = pair_of("a", proof, "hardened")
    assert (pair.control.profile, pair.ablated.profile) == ("incident", "incident")
    assert pair.ablated.without == ("retry",)


async def _play(_: object) -> None: ...


@pytest.mark.parametrize(
    ("key", "found"),
    [
        (RunKey("a", "hardened", ("x", "y")), True),
        (RunKey("a", "hardened", ("y", "x")), True),
        (RunKey("a", "hardened", ("y",)), False),
        (RunKey("a", "incident", ("x", "y")), False),
    ],
)
def test_a_run_is_recognised_as_one_that_a_proof_speaks_of(key: RunKey, found: bool) -> None:
    proof = Proof(protections=("y",), without=("x",), fails="outcome", match="z")
    scenario = Scenario(id="a", theme="t", play=_play, proofs=(proof,))
    assert (proof_tried_by(key, scenario, "hardened") is proof) is found


def test_the_named_reason_in_the_log_proves_it_beside_another_failure_too() -> None:
    busy = CheckResult("outcome", True, "msg_a_1: got refused", deliveries=("msg_a_1",), excused=BUSY)
    second = ablated(checks=(busy, *failing("log_clean", "x")), service_log="msg_a_1: connection is closed")
    assert judge_pair(made(), second, PROOF).verdict is PairVerdict.PROVED
