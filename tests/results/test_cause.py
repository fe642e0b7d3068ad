"""Many places of one cause are one finding."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness import http, postgres, redis
from harness.checks import CheckResult, Verdict
from harness.faults import Fault, link, process, wire
from harness.present.html.causes import findings_of
from harness.present.terminal.lines import closing_lines
from harness.results import Evidence, RunKey, RunResult
from harness.results.cause import Cause, by_cause, cause_of, struck_by
from harness.results.folder import new_results_folder
from tests.results.made import ablated, made, proof_of, summary_of


def failed(name: str, fault: Fault, *symptom: str, check: str = "outcome") -> RunResult:
    """A run that failed under this fault."""
    why = CheckResult(check, True, f"1 of 5: {name}: refused after 0.31 s", symptom=symptom)
    seen = Evidence("seen", "relay", 1, "it struck", fault=fault)
    return made(Verdict.FAILED, key=RunKey(name, "hardened"), checks=(why,), evidence=(seen,))


def told(*results: RunResult, folder: Path) -> Sequence[str]:
    results_folder = new_results_folder(folder)
    lines = ["".join(text for text, _ in line) for line in closing_lines(summary_of(*results), results_folder)]
    results_folder.release()
    return lines


CUT = wire.cut(postgres.sent("INSERT"))
LOST = wire.cut(postgres.answered("COMMIT"))
END = "unknown, status 500"


def test_the_same_check_symptom_and_link_are_one_cause_whatever_the_fault_the_ids_and_the_times() -> None:
    assert cause_of(failed("a", CUT, END)) == cause_of(failed("b", LOST, END))


@pytest.mark.parametrize(
    "other",
    [
        failed("b", CUT, "refused, status 503"),
        failed("b", link.down(redis), END),
        failed("b", CUT, END, check="acknowledged_is_stored"),
    ],
    ids=["another symptom", "another link", "another check"],
)
def test_what_differs_in_any_of_them_is_another_cause(other: RunResult) -> None:
    assert cause_of(failed("a", CUT, END)) != cause_of(other)


def test_a_final_no_is_one_cause_whether_the_request_was_new_or_a_repeat() -> None:
    end = ("rejected, status 409",)
    rejected = CheckResult("valid_is_not_rejected", True, "409", deliveries=("a", "b"), symptom=end)
    denied = CheckResult("never_denied", True, "acknowledged, and denied", safety=True, deliveries=("a",))
    new, repeated = (made(Verdict.FAILED, checks=checks) for checks in ((rejected,), (denied, rejected)))
    assert cause_of(new) == cause_of(repeated) == Cause("valid_is_not_rejected", end, ())
    elsewhere = dataclasses.replace(denied, deliveries=("c",))
    assert cause_of(made(Verdict.FAILED, checks=(elsewhere, rejected))) == Cause("never_denied", (), ())


def test_proofs_that_prove_nothing_are_listed_at_the_end(tmp_path: Path) -> None:
    control = made()
    proofs = [
        dataclasses.replace(proof_of(control, ablated(Verdict.HELD)), id=name) for name in ("idle_pool_cut", "other")
    ]
    results = new_results_folder(tmp_path)
    lines = ["".join(text for text, _ in line) for line in closing_lines(summary_of(control, proofs=proofs), results)]
    results.release()
    place = lines.index("x not proved: 2 proofs")
    assert lines[place + 1] == "    idle_pool_cut: pool.pre_ping: unproved"


def test_the_cause_is_what_the_verdict_tells_not_what_follows_from_it() -> None:
    follows = CheckResult("same_answer_again", True, "sent again, and answered otherwise", told_last=True)
    tells = CheckResult("outcome", True, "1 of 5", symptom=(END,))
    lost = CheckResult("acknowledged_is_stored", True, "not stored", safety=True)
    assert cause_of(made(Verdict.FAILED, evidence=(), checks=(follows, tells))) == Cause("outcome", (END,))
    assert cause_of(made(Verdict.FAILED, evidence=(), checks=(follows, tells, lost))) == Cause("acknowledged_is_stored")


def test_a_run_that_held_or_that_had_to_fail_has_none() -> None:
    assert cause_of(made()) is None
    assert cause_of(ablated()) is None


@pytest.mark.parametrize(
    ("fault", "where"),
    [(CUT, "postgres"), (link.down(http), "http"), (process.pause(), "the service")],
)
def test_a_fault_struck_a_link_or_the_service_itself(fault: Fault, where: str) -> None:
    assert struck_by(fault) == where


def test_a_run_with_many_traces_of_its_faults_has_the_cause_of_one_with_few() -> None:
    once = failed("a", CUT, END)
    seen = [*once.evidence, *failed("b", link.down(http), END).evidence]
    both, again = (dataclasses.replace(once, evidence=tuple(each)) for each in (seen, [*reversed(seen), *seen]))
    assert cause_of(both) == cause_of(again) == Cause("outcome", (END,), ("http", "postgres"))


def test_only_scenarios_are_findings_not_what_a_proof_tried_besides(tmp_path: Path) -> None:
    own = [failed(name, CUT, END) for name in ("a", "b")]
    control = dataclasses.replace(failed("c", CUT, END), role="control")
    assert told(*own, control, folder=tmp_path)[0] == "1 finding in 2 places"
    summary = summary_of(*own, control).read(lambda path: None if path is None else str(path))
    assert [[run.id for _, run in found.places] for found in findings_of(summary)] == [["a", "b"]]


def test_the_cause_with_the_most_places_comes_first() -> None:
    few, many = Cause("alive"), Cause("outcome")
    found = by_cause([(few, "a"), (many, "b"), (many, "c")])
    assert [(each.cause, each.places) for each in found] == [(many, ["b", "c"]), (few, ["a"])]


def test_what_fails_with_nothing_broken_too_is_not_said_to_come_of_a_fault() -> None:
    broken, unbroken = Cause("owed", (END,), ("postgres",)), Cause("owed", (END,))
    others = Cause("owed", ("refused",), ("postgres",)), Cause("alive", (), ("postgres",)), Cause("alive")
    found = by_cause([(broken, "a"), (unbroken, "b"), *((each, "c") for each in others)])
    assert [(each.cause, each.places) for each in found] == [
        (unbroken, ["a", "b"]),
        *((each, ["c"]) for each in others),
    ]


def test_the_terminal_says_first_how_many_findings_there_are_and_in_how_many_places(tmp_path: Path) -> None:
    lines = told(
        failed("a", CUT, END), failed("b", LOST, END), failed("c", link.down(redis), END), made(), folder=tmp_path
    )
    assert lines[:6] == [
        "2 findings in 3 places",
        "x outcome (unknown, status 500), where postgres was broken: 2 places",
        "    a",
        "    b",
        "x outcome (unknown, status 500), where redis was broken: 1 place",
        "    c",
    ]


def test_of_a_finding_in_many_places_the_terminal_shows_some_and_counts_the_rest(tmp_path: Path) -> None:
    lines = told(*(failed(f"run_{number}", CUT, END) for number in range(12)), folder=tmp_path)
    assert lines[0] == "1 finding in 12 places"
    assert "    and 4 more" in lines


def test_what_was_inconclusive_is_listed_apart(tmp_path: Path) -> None:
    doubtful = [made(Verdict.INCONCLUSIVE, key=RunKey(name, "hardened")) for name in ("d", "e")]
    lines = told(*doubtful, made(), folder=tmp_path)
    assert lines[:3] == ["? inconclusive: 2 places", "    d", "    e"]
    assert not any("inconclusive: 1" in line for line in told(doubtful[0], made(), folder=tmp_path))


def test_a_single_failure_is_not_told_twice(tmp_path: Path) -> None:
    assert not any("finding" in line for line in told(failed("a", CUT, END), made(), folder=tmp_path))


def test_what_is_read_back_from_the_summary_has_the_same_causes() -> None:
    summary = summary_of(failed("a", CUT, END), made(), failed("b", LOST, END)).read(
        lambda path: None if path is None else str(path)
    )
    [found] = findings_of(summary)
    assert found.cause == Cause("outcome", (END,), ("postgres",))
    assert [(place, run.id) for place, run in found.places] == [(0, "a"), (2, "b")]


def test_an_older_summary_without_causes_is_grouped_by_the_check_that_failed() -> None:
    summary = summary_of(failed("a", CUT, END)).read(lambda path: None if path is None else str(path))
    old = summary.runs[0].model_copy(update={"cause": None})
    assert old.failed_by == Cause("outcome")
