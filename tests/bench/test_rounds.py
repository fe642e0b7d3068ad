from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from bench.arms import Arm, Plan, Rounds, Sample, interleaved
from harness.errors import UsageError


def _quiet(_: str) -> None:
    pass


def _counting(start: float) -> Callable[[], Sample]:
    numbers = itertools.count(start)
    return lambda: {"us": float(next(numbers))}


def test_a_round_gives_the_mean_of_its_two_samples() -> None:
    rounds = interleaved([Arm("a", _counting(1)), Arm("b", _counting(100))], Plan(rounds=2, budget_s=1e9), _quiet)

    assert rounds.of("a", "us") == [1.5, 3.5]
    assert rounds.of("b", "us") == [100.5, 102.5]
    assert rounds.number == 2


def test_arms_take_turns() -> None:
    turns: list[str] = []

    def taking(name: str) -> Arm:
        def measure() -> Sample:
            turns.append(name)
            return {"us": 1.0}

        return Arm(name, measure)

    interleaved([taking("a"), taking("b")], Plan(rounds=3, budget_s=1e9), _quiet)

    assert [turns[at] for at in (0, 4, 8)] == [turns[at] for at in (3, 7, 11)]
    assert all(turns[at] == turns[at + 1] for at in (1, 5, 9))


def test_without_time_there_is_one_round() -> None:
    told: list[str] = []

    rounds = interleaved([Arm("a", _counting(1))], Plan(rounds=50, budget_s=0.0), told.append)

    assert rounds.number == 1
    assert told[-1].startswith("stopped after 1 rounds")


@pytest.mark.parametrize(("arm", "figure", "closest"), [("hardend", "us", "hardened"), ("hardened", "u", "us")])
def test_what_was_not_measured_is_named(arm: str, figure: str, closest: str) -> None:
    with pytest.raises(UsageError, match=f"closest valid: '{closest}'"):
        Rounds({"hardened": {"us": [1.0]}}).of(arm, figure)
