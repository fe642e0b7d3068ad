from __future__ import annotations

from typing import Any

import pytest

from harness.checks import Verdict
from harness.compare.differences import Comparison, Difference, Kind, differences
from harness.compare.record import ScenarioRecord, Speed, SuiteRecord
from harness.results.ablation import PairVerdict
from tests.proof.made import proof, record, suite

PROOFS = {"a": [proof("pool.pre_ping")], "b": [proof("pool.pre_ping")]}


def found(old: SuiteRecord, new: SuiteRecord, **changes: Any) -> list[Difference]:
    how = Comparison(**{"proofs": PROOFS, **changes})
    return differences(old, new, how)


def of_one(new: ScenarioRecord, old: ScenarioRecord | None = None, **changes: Any) -> list[Difference]:
    return found(suite(a=old or record()), suite(a=new), **changes)


def test_nothing_is_worse_than_itself() -> None:
    assert of_one(record()) == []


@pytest.mark.parametrize(
    ("verdict", "kind"),
    [
        (Verdict.FAILED, Kind.FAILED),
        (Verdict.INCONCLUSIVE, Kind.INCONCLUSIVE),
        (Verdict.UNAVAILABLE, Kind.UNAVAILABLE),
    ],
)
def test_what_held_and_does_not_now(verdict: Verdict, kind: Kind) -> None:
    (difference,) = of_one(record(verdict, reason="outcome: refused", proofs={}))
    assert (difference.kind, difference.subject) == (kind, "a")
    assert difference.sentence == f"a is {kind}: it held in the baseline; now: outcome: refused"
    assert difference.finding("baseline").inconclusive is (verdict is Verdict.INCONCLUSIVE)


def test_a_machine_may_lack_what_a_listed_scenario_needs_and_nothing_else_of_it_is_excused() -> None:
    lacking = record(Verdict.UNAVAILABLE, reason="needs pgbouncer", proofs={})
    assert of_one(lacking, excused=["a"]) == []
    assert [each.kind for each in of_one(lacking, excused=["b"])] == [Kind.UNAVAILABLE]
    assert [each.kind for each in of_one(record(Verdict.FAILED, proofs={}), excused=["a"])] == [Kind.FAILED]


def test_what_was_unavailable_may_stay_so_or_hold() -> None:
    for verdict in (Verdict.UNAVAILABLE, Verdict.HELD):
        assert of_one(record(verdict), record(Verdict.UNAVAILABLE)) == []


def test_a_scenario_that_is_gone_is_named() -> None:
    differs = found(suite(a=record(), c=record()), suite(a=record()))
    assert [(each.kind, each.subject) for each in differs] == [(Kind.GONE, "c")]
    assert "c is gone" in differs[0].sentence


def test_what_was_not_selected_is_not_gone() -> None:
    assert found(suite(a=record(), c=record()), suite(a=record()), whole=False) == []
    assert found(suite(a=record(), b=record()), suite(a=record())) == [], "there, but not run"


def test_a_new_scenario_is_nothing_worse() -> None:
    assert found(suite(a=record()), suite(a=record(), b=record(Verdict.FAILED))) == []


def test_a_kind_of_evidence_that_is_gone() -> None:
    (difference,) = of_one(record(evidence=("answers",)), record(evidence=("answers", "connections_cut")))
    assert difference.kind is Kind.EVIDENCE
    assert difference.sentence == (
        "a leaves no evidence connections_cut any more: the baseline has it; there is now: answers"
    )
    assert of_one(record(evidence=("answers", "connections_cut")), record(evidence=("answers",))) == []


LOST_AND_REFUSED = ("connections_lost", "connects_refused")


def test_another_kind_of_the_same_fault_takes_its_place_unless_the_scenario_is_another_one() -> None:
    old = record(evidence=LOST_AND_REFUSED)
    assert of_one(record(evidence=("connections_lost",)), old) == [], "the server was back before a connect"
    assert of_one(record(evidence=("connections_lost",), source=""), old) == [], "no sources: two releases"
    edited = of_one(record(evidence=("connections_lost",), source="4567"), old)
    assert [each.kind for each in edited] == [Kind.EVIDENCE]


def test_what_was_only_carried_out_takes_no_place_and_has_none() -> None:
    carried_out = of_one(record(evidence=("process_replaced",)), record(evidence=LOST_AND_REFUSED))
    assert [each.sentence.split(" any more")[0] for each in carried_out] == [
        "a leaves no evidence connections_lost",
        "a leaves no evidence connects_refused",
    ]
    no_rows = of_one(record(evidence=("connections_lost",)), record(evidence=("connections_lost", "rows_lacked")))
    assert [each.kind for each in no_rows] == [Kind.EVIDENCE]


def test_a_protection_is_lost_when_its_last_proof_is() -> None:
    masked = record(Verdict.FAILED, proofs={"pool.pre_ping": PairVerdict.MASKED})
    alone = found(suite(a=record()), suite(a=masked))
    assert [(each.kind, each.subject) for each in alone] == [(Kind.FAILED, "a"), (Kind.PROTECTION, "pool.pre_ping")]
    assert alone[1].sentence == (
        "pool.pre_ping is no longer proved: the baseline has it proved by a; a pool.pre_ping is masked"
    )
    both = found(suite(a=record(), b=record()), suite(a=masked, b=record()))
    assert [each.kind for each in both] == [Kind.FAILED], "b still proves it"


def test_a_proof_that_was_not_tried_is_not_lost() -> None:
    assert of_one(record(proofs={})) == []


@pytest.mark.parametrize("verdict", [PairVerdict.UNPROVED, PairVerdict.MISATTRIBUTED, PairVerdict.MASKED])
def test_a_scenario_that_holds_and_proves_nothing_any_more(verdict: PairVerdict) -> None:
    differs = of_one(record(proofs={"pool.pre_ping": verdict}))
    assert [each.kind for each in differs] == [Kind.PROOF_LOST, Kind.PROTECTION]
    assert (
        differs[0].sentence
        == f"a does not prove pool.pre_ping any more: it is {verdict}; in the baseline it was proved"
    )


def test_a_proof_that_is_not_claimed_any_more() -> None:
    differs = of_one(record(proofs={}), proofs={"a": [proof("retry.database")]})
    assert [each.kind for each in differs] == [Kind.PROOF, Kind.PROTECTION]
    assert "a no longer says that it proves pool.pre_ping" in differs[0].sentence
    assert "a does not name it any more" in differs[1].sentence


def test_a_protection_whose_only_scenario_is_gone() -> None:
    differs = found(suite(c=record()), suite(a=record(proofs={})))
    assert [(each.kind, each.subject) for each in differs] == [(Kind.GONE, "c"), (Kind.PROTECTION, "pool.pre_ping")]
    assert "c is gone" in differs[1].sentence


@pytest.mark.parametrize("which", ["worst_ms", "recovery_ms"])
def test_slower_is_a_multiple_of_the_runs_own_healthy_answer(which: str) -> None:
    def at(time_ms: float, healthy_ms: float) -> ScenarioRecord:
        times = {"healthy_ms": healthy_ms, "worst_ms": 100.0, "recovery_ms": 100.0, which: time_ms}
        return record(speed=Speed(**times))

    kind = Kind.ANSWER if which == "worst_ms" else Kind.RECOVERY
    slower = of_one(at(1000, 5), at(100, 5))
    assert [each.kind for each in slower] == [kind]
    assert "1000 ms, 200 times its own healthy answer; in the baseline 100 ms, 20 times" in slower[0].sentence
    assert of_one(at(1000, 50), at(100, 5)) == [], "a slow machine is no alarm"
    assert of_one(at(5000, 1), at(5000, 10)) == [], "nor is a fast one, where the time is a fixed limit"
    assert of_one(at(500, 5), at(100, 5)) == [], "a few hundred milliseconds are no regression"
    assert of_one(at(1000, 5), at(100, 5), factor=20) == []


@pytest.mark.parametrize(("others_share", "kinds"), [(0.49, [Kind.ANSWER]), (0.5, [])])
def test_a_machine_that_others_kept_busy_made_nothing_slower(others_share: float, kinds: list[Kind]) -> None:
    slow = record(speed=Speed(healthy_ms=5, worst_ms=1000, recovery_ms=20, others_share=others_share))
    calm = record(speed=Speed(healthy_ms=5, worst_ms=100, recovery_ms=20))
    assert [each.kind for each in of_one(slow, calm)] == kinds


def test_a_time_that_was_not_measured_is_not_compared() -> None:
    assert of_one(record(speed=Speed()), record()) == []
    assert of_one(record(), record(speed=Speed())) == []


def test_a_time_that_was_not_measured_hides_no_other() -> None:
    slow, calm = (record(speed=Speed(healthy_ms=5, worst_ms=ms, recovery_ms=None)) for ms in (1000, 100))
    assert [each.kind for each in of_one(slow, calm)] == [Kind.ANSWER]


def test_coverage_below_its_floor() -> None:
    old, new = suite(a=record()), SuiteRecord(scenarios={"a": record()}, coverage_percent=89.5)
    (difference,) = found(old, new, coverage_floor_percent=90)
    assert difference.sentence == "the suite covers 89.5 % of the fault space: the baseline asks for 90.0 %"
    assert found(old, new, coverage_floor_percent=89) == []
    (difference,) = found(old, suite(a=record()), coverage_floor_percent=90)
    assert difference.sentence == "it was not measured: the baseline asks for 90.0 %"
    assert found(old, suite(a=record()), coverage_floor_percent=90, whole=False) == [], "nor was it to be"
    assert found(old, suite(a=record())) == []


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (853, None, "the fault space had 853 points in the baseline, there is none now: restore the file, or"),
        (853, 852, "the fault space had 853 points in the baseline, there are 852 now: restore the file, or"),
        (853, 853, ""),
        (853, 900, ""),
        (None, None, ""),
        (None, 3, ""),
    ],
)
def test_a_fault_space_that_is_gone_or_smaller(before: int | None, now: int | None, said: str) -> None:
    old, new = (
        SuiteRecord(scenarios={"a": record()}, fault_space_points=count, coverage_percent=100)
        for count in (before, now)
    )
    differs = found(old, new)
    assert [each.kind for each in differs] == ([Kind.SPACE] if said else [])
    assert all(each.sentence.startswith(said) for each in differs)
    assert found(old, new, whole=False) == [], "a part of the suite needs none"
