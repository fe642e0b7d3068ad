from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.statistics import Interval, median_interval, orders, percentile, ratios, scatter, shares

values = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=30)


def test_the_interval_leaves_out_as_much_as_the_sign_test_allows() -> None:
    # Ten values: 2 * (1 + 10) / 1024 is missed when one is left out at either end, 2 * 56 / 1024 with two.
    found = median_interval([float(value) for value in range(1, 11)])

    assert found == Interval(5.5, 2.0, 9.0, 1 - 22 / 1024)


def test_few_values_give_all_of_them_and_say_how_sure_that_is() -> None:
    found = median_interval([3.0, 1.0, 2.0])

    assert found == Interval(2.0, 1.0, 3.0, 0.75)


def test_one_value_is_sure_of_nothing() -> None:
    assert median_interval([7.0]) == Interval(7.0, 7.0, 7.0, 0.0)


def test_no_value_is_an_error() -> None:
    with pytest.raises(ValueError, match="no value"):
        median_interval([])


@given(values)
def test_the_median_lies_in_its_interval(measured: list[float]) -> None:
    found = median_interval(measured)

    assert found.low <= found.median <= found.high
    assert {found.low, found.high} <= set(measured)


@given(values, st.randoms(use_true_random=False))
def test_the_order_of_the_rounds_is_nothing_to_the_interval(measured: list[float], chance: random.Random) -> None:
    assert median_interval(chance.sample(measured, len(measured))) == median_interval(measured)


def test_the_interval_holds_the_true_median_as_often_as_it_says() -> None:
    chance = random.Random(1)  # noqa: S311  # repeatable on purpose
    found = [median_interval([chance.expovariate(1) for _ in range(9)], 0.95) for _ in range(2000)]

    held = sum(each.low <= 0.6931 <= each.high for each in found) / len(found)

    assert held == pytest.approx(found[0].confidence, abs=0.015)


@pytest.mark.parametrize(
    ("low", "high", "apart"), [(1.3, 1.5, True), (0.1, 0.8, True), (1.1, 1.5, False), (0.5, 2.0, False)]
)
def test_intervals_are_apart_when_they_share_nothing(low: float, high: float, apart: bool) -> None:
    one, other = Interval(1.0, 0.9, 1.2, 0.95), Interval(low, low, high, 0.95)

    assert one.apart_from(other) is other.apart_from(one) is apart


def test_ratios_are_taken_round_by_round() -> None:
    # A machine that becomes twice as slow changes nothing.
    assert ratios([2.0, 4.0], [1.0, 2.0]) == [2.0, 2.0]


@pytest.mark.parametrize(("measured", "base"), [([1.0, 2.0], [1.0]), ([1.0], [0.0])])
def test_rounds_that_do_not_pair_and_a_base_of_nothing_are_errors(measured: list[float], base: list[float]) -> None:
    with pytest.raises(ValueError, match=r"shorter|longer|nothing"):
        ratios(measured, base)


def test_shares_are_what_was_added() -> None:
    assert shares([3.0, 5.0], [2.0, 6.0], [10.0, 10.0]) == [0.1, -0.1]


def test_scatter_is_half_the_quartiles_distance_to_the_median() -> None:
    assert scatter([1.0, 2.0, 3.0, 4.0, 5.0]) == pytest.approx(1 / 3)
    assert scatter([5.0]) == 0.0


def test_each_round_goes_there_and_back() -> None:
    for order in itertools.islice(orders(["a", "b", "c"], 5), 20):
        assert order == order[::-1]
        assert sorted(order) == ["a", "a", "b", "b", "c", "c"]


def test_a_seed_gives_the_same_orders_and_another_does_not() -> None:
    names = ["a", "b", "c", "d"]
    first, same, other = ([*itertools.islice(orders(names, seed), 8)] for seed in (1, 1, 2))

    assert first == same
    assert first != other
    assert len(set(first)) > 1


def test_a_percentile_is_a_value_that_was_measured() -> None:
    measured = [float(value) for value in range(1, 201)]

    assert [percentile(measured[::-1], share) for share in (0.5, 0.99, 1.0)] == [100.0, 198.0, 200.0]
    assert percentile([7.0], 0.99) == 7.0
    with pytest.raises(ValueError, match="no value"):
        percentile([], 0.5)
