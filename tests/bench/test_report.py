from __future__ import annotations

import json

import pytest

from bench.arms import Arm, Rounds, Sample
from bench.report import Report, comparison, ladder, split


def _measure() -> Sample:
    return {}


ARMS = (Arm("base", _measure), Arm("again", _measure, control=True), Arm("twice", _measure), Arm("near", _measure))
ROUNDS = Rounds(
    {
        "base": {"us": [100.0, 200.0, 100.0]},
        "again": {"us": [101.0, 198.0, 100.0]},
        "twice": {"us": [200.0, 400.0, 210.0]},
        "near": {"us": [100.0, 201.0, 100.5]},
    }
)


def test_a_comparison_is_of_ratios_and_says_what_the_noise_hides() -> None:
    table = comparison("CPU", "us", "us", rounds=ROUNDS, arms=ARMS)

    by_name = {line.name: line for line in table.lines}
    assert by_name["twice"].ratio.median == 2.0
    assert by_name["twice"].median == 210.0
    assert by_name["twice"].beyond_control is True
    assert by_name["near"].beyond_control is False
    assert by_name["again"].beyond_control is None


def test_the_steps_of_a_ladder_add_up_to_the_whole() -> None:
    rounds = Rounds({"a": {"us": [25.0, 50.0]}, "b": {"us": [75.0, 150.0]}, "c": {"us": [100.0, 200.0]}})

    table = ladder("way", "us", "us", rounds=rounds, steps=[("a", None, "a"), ("+ b", "a", "b"), ("+ c", "b", "c")])

    assert [line.ratio.median for line in table.lines] == [0.25, 0.5, 0.25]
    assert [line.median for line in table.lines] == [37.5, 75.0, 37.5]


def test_a_split_has_the_whole_at_its_end() -> None:
    table = split("phases", "ms", {"start": [30.0, 30.0], "rest": [10.0, 90.0]})

    assert [line.name for line in table.lines] == ["start", "rest", "all"]
    assert table.lines[0].ratio.median == pytest.approx((30 / 40 + 30 / 120) / 2)
    assert table.lines[-1].ratio.median == 1.0


def _report() -> Report:
    table = comparison("CPU", "us", "us", rounds=ROUNDS, arms=ARMS)
    return Report(name="healthy", command="python -m bench healthy", date="2026-01-01", versions={}, tables=(table,))


def test_the_text_puts_the_ratio_first_and_marks_the_control() -> None:
    lines = _report().text().splitlines()

    twice = next(line for line in lines if "twice" in line)
    assert twice.index("2.000 [2.000, 2.100]") < twice.index("210.0")
    assert next(line for line in lines if "again" in line).endswith("A/A")
    assert next(line for line in lines if "near" in line).endswith("(not beyond A/A)")
    assert "intervals at 75%" in _report().text()


def test_the_json_has_every_figure() -> None:
    read = json.loads(_report().json())

    assert read["schema"] == "bench.report/1"
    assert read["tables"][0]["lines"][2]["ratio"] == {"median": 2.0, "low": 2.0, "high": 2.1, "confidence": 0.75}
