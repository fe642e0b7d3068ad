"""Orders are found by trying, each once, with and without locks."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.search.orders.orders import Choice, Order, choose, next_order, read_order, written


def play(beginning: Order, statements: list[int], *, locked: bool = False) -> list[Choice]:
    """Let through `statements[n]` statements of request n+1. Locked: who has begun keeps the others from ending."""
    left = dict(enumerate(statements, 1))
    played: list[Choice] = []
    holder = None
    while any(left.values()):
        possible = tuple(who for who, more in left.items() if more and not (locked and holder not in (None, who)))
        chosen = choose(possible, beginning, len(played))
        assert chosen is not None
        played.append(Choice(chosen, possible))
        left[chosen] -= 1
        holder = chosen if left[chosen] else None
    return played


def all_orders(statements: list[int], *, locked: bool = False) -> list[str]:
    found: list[str] = []
    beginning: Order | None = ()
    while beginning is not None:
        played = play(beginning, statements, locked=locked)
        found.append(written([choice.chosen for choice in played]))
        beginning = next_order(played)
    return found


@pytest.mark.parametrize(("statements", "count"), [([3, 3], 20), ([3, 3, 3], 1680), ([1, 1], 2), ([4], 1)])
def test_every_order_once(statements: list[int], count: int) -> None:
    found = all_orders(statements)
    assert len(found) == len(set(found)) == count
    assert found == sorted(found)


@given(st.lists(st.integers(1, 3), min_size=1, max_size=3))
def test_as_many_as_there_are_arrangements(statements: list[int]) -> None:
    expected = math.factorial(sum(statements)) // math.prod(math.factorial(each) for each in statements)
    assert len(set(all_orders(statements))) == expected


def test_a_lock_takes_orders_away() -> None:
    assert all_orders([3, 3], locked=True) == ["111222", "222111"]


def test_what_cannot_go_on_is_not_chosen() -> None:
    assert choose((1, 3), (2,), 0) is None
    assert choose((1, 3), (3,), 0) == 3
    assert choose((1, 3), (3,), 1) == 1


@pytest.mark.parametrize("text", ["", "123", "1 2", "0"])
def test_what_is_no_order_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--order"):
        read_order(text, 2)


def test_an_order_reads_back() -> None:
    assert read_order(written((1, 2, 2, 1)), 2) == (1, 2, 2, 1)
