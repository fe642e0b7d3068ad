from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checks import Verdict
from harness.compare.baseline import Baseline, accepted, read_baseline, write_baseline
from harness.compare.record import ScenarioRecord, Speed
from harness.errors import UsageError
from harness.present.terminal.views.comparison.baseline import accepted_lines
from harness.results.ablation import PairVerdict
from harness.suite.verbs.baseline import Accepted
from tests.proof.made import record, suite

HARDLY = Speed(healthy_ms=6.0, worst_ms=130.0, recovery_ms=25.0)
MUCH = Speed(healthy_ms=6.0, worst_ms=900.0, recovery_ms=25.0)


def baseline(old: Baseline | None = None, **scenarios: ScenarioRecord) -> Baseline:
    return accepted(suite(**scenarios), old, target="webhook", profile="hardened")


def test_it_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    made = baseline(a=record(), b=record(Verdict.UNAVAILABLE, proofs={}))
    write_baseline(tmp_path / "baseline.json", made)
    assert read_baseline(tmp_path / "baseline.json", target="webhook") == made
    assert made.record().scenarios["a"] == record()
    assert made.record().protections == {"pool.pre_ping": ("a",)}


def test_without_a_file_there_is_none(tmp_path: Path) -> None:
    assert read_baseline(tmp_path / "baseline.json", target="webhook") is None


def test_one_line_a_key_sorted() -> None:
    text = baseline(b=record(), a=record(evidence=("x", "y"))).text()
    lines = text.splitlines()
    assert json.loads(text)["scenarios"].keys() == {"a", "b"}
    assert lines.index('  "a": {') < lines.index('  "b": {')
    assert '   "evidence": ["x", "y"],' in lines
    assert '   "worst_ms": 100.0' in lines
    assert len([line for line in lines if line.count(":") - line.count('": {') > 1]) == 0


def test_one_more_scenario_is_only_lines_more() -> None:
    before = baseline(a=record()).text().splitlines()
    after = baseline(a=record(), b=record(proofs={})).text().splitlines()
    assert [line for line in before if line not in after] == []
    assert len(after) == len(before) + 9


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@given(ids=st.sets(names, max_size=5), evidence=st.lists(names, max_size=3))
def test_whatever_the_names_the_file_is_json(ids: set[str], evidence: list[str]) -> None:
    scenarios = {name: record(evidence=tuple(evidence)) for name in ids}
    made = accepted(suite(**scenarios), None, target="webhook", profile="hardened")
    assert Baseline.model_validate(json.loads(made.text())) == made


def test_figures_that_hardly_differ_keep_their_lines() -> None:
    old = baseline(a=record())
    assert baseline(old, a=record(speed=HARDLY)) == old
    assert baseline(old, a=record(speed=MUCH)).scenarios["a"].worst_ms == 900.0
    assert baseline(old, a=record(speed=MUCH)).scenarios["a"].healthy_ms == 6.0, "all or none: they are one run's"


@pytest.mark.parametrize(
    ("was", "now", "kept"),
    [
        (20.0, 120.0, True), (120.0, 20.0, True), (20.0, 120.1, False), (120.1, 20.0, False),
        (1000.0, 2000.0, True), (1000.0, 2000.1, False), (2000.1, 1000.0, False),
        (None, None, True), (None, 20.0, False), (20.0, None, False),
    ],
)  # fmt: skip
def test_what_hardly_differs_is_a_tenth_of_a_second_or_twice_as_long(
    was: float | None, now: float | None, kept: bool
) -> None:
    before, after = (Speed(healthy_ms=healthy, worst_ms=100.0, recovery_ms=ms) for healthy, ms in ((5, was), (6, now)))
    old = baseline(a=record(speed=before))
    assert (baseline(old, a=record(speed=after)) == old) is kept


def test_a_time_can_be_none_and_never_nothing() -> None:
    made = baseline(a=record(speed=Speed(healthy_ms=4.0, worst_ms=None, recovery_ms=0.01)))
    assert (made.scenarios["a"].worst_ms, made.scenarios["a"].recovery_ms) == (None, 0.1)


def test_what_this_machine_cannot_run_stays_as_it_was() -> None:
    old = baseline(a=record(), b=record())
    new = baseline(old, a=record(Verdict.UNAVAILABLE, proofs={}), b=record(proofs={}))
    assert new.scenarios["a"] == old.scenarios["a"]
    assert new.protections == {"pool.pre_ping": ("a",)}


def test_what_was_edited_by_hand_stays() -> None:
    old = baseline(a=record()).model_copy(update={"factor": 8.0, "coverage_floor_percent": 90.0})
    new = baseline(old, a=record())
    assert (new.factor, new.coverage_floor_percent) == (8.0, 90.0)


def test_it_has_as_many_points_of_the_fault_space_as_the_accepted_run() -> None:
    old = accepted(
        dataclasses.replace(suite(a=record()), fault_space_points=9), None, target="webhook", profile="hardened"
    )
    assert old.record().fault_space_points == 9
    assert json.loads(old.text())["fault_space_points"] == 9
    fewer = dataclasses.replace(suite(a=record()), fault_space_points=4)
    assert accepted(fewer, old, target="webhook", profile="hardened").fault_space_points == 4


def test_a_smaller_fault_space_is_shown_when_it_is_accepted() -> None:
    old, new = (baseline(a=record()).model_copy(update={"fault_space_points": count}) for count in (9, 4))
    shown = list(accepted_lines(Accepted(Path("baseline.json"), old, new)))
    assert shown[1:] == ["  points of the fault space: 9 before, 4 now", "commit it"]
    assert list(accepted_lines(Accepted(Path("baseline.json"), old, old)))[1:] == ["nothing has changed"]


def test_only_what_was_proved_is_recorded_as_proved() -> None:
    made = baseline(a=record(proofs={"x": PairVerdict.PROVED, "y": PairVerdict.UNPROVED}))
    assert made.scenarios["a"].proves == ("x",)


def raw(**changes: Any) -> str:
    return json.dumps({**json.loads(baseline(a=record()).text()), **changes})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "{",
            r"baseline\.json: not JSON: (?s:.*)mend: fix the line that it names, or restore it from version control",
        ),
        ("", r"not JSON"),
        ("[]", r"holds no JSON object"),
        (raw(schema="harness.summary/1"), r"schema = 'harness\.summary/1': another kind or version of file"),
        (raw(target="other"), r"target = 'other': recorded of another service; valid: webhook(?s:.*)--baseline"),
        (raw(protectoins={}), r"protectoins = \{\}: there is no such key; closest valid: 'protections'"),
        (raw(factor=0.5), r"factor = 0\.5: input should be greater than or equal to 1"),
        (raw(fault_space_points=0), r"fault_space_points = 0: input should be greater than 0"),
        (raw(scenarios={"a": {"verdict": "failed", "source": ""}}), r"\[scenarios\.a\]: verdict = 'failed'"),
        (raw(scenarios={"a": {"verdict": "held"}}), r"\[scenarios\.a\]: source = None: this key is missing"),
    ],
)
def test_a_corrupt_or_foreign_one_is_told_by_place_key_value_and_mend(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "baseline.json"
    file.write_text(text, "utf-8")
    with pytest.raises(UsageError, match=said):
        read_baseline(file, target="webhook")


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"baseline: file = .*cannot be written(?s:.*)mend"):
        write_baseline(tmp_path / "nowhere" / "baseline.json", baseline(a=record()))
