"""What may be stored of a delivery that is changed and removed, by all that is said of it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checks.facts.lives import Act, Does, untrue

INFINITE = math.inf


def tells(body: str | None, at: float) -> Act:
    return Act(Does.TELL, body, at, at)


STORED = Act(Does.STORE, "one", 1, 2)
CHANGED = Act(Does.CHANGE, "two", 3, 4)
REMOVED = Act(Does.CHANGE, "", 5, 6)
IN_DOUBT = Act(Does.CHANGE, "two", 3)


@pytest.mark.parametrize(
    ("acts", "place", "may_be"),
    [
        ([STORED, CHANGED, tells("one", 5)], 2, {"two"}),
        ([STORED, tells("two", 2.5), CHANGED], 1, {"one"}),
        ([STORED, CHANGED, REMOVED, tells("two", 7)], 3, {""}),
        ([STORED, CHANGED, REMOVED, tells(None, 7)], 3, {""}),
        ([STORED, tells("", 3)], 1, {"one"}),
        ([STORED, IN_DOUBT, tells("", 5)], 2, {"one", "two"}),
        ([STORED, IN_DOUBT, tells("two", 5), tells("one", 6)], 3, {"two"}),
        ([CHANGED], 0, {""}),
    ],
)
def test_the_first_that_fits_nothing_is_told(acts: Sequence[Act], place: int, may_be: set[str]) -> None:
    found = untrue(acts)
    assert found is not None
    assert (found.act, {*found.may_be}) == (place, may_be)


@pytest.mark.parametrize(
    "acts",
    [
        [],
        [STORED, CHANGED, tells("two", 4.5), REMOVED, tells("", 7)],
        [STORED, IN_DOUBT, tells("one", 5), tells("two", 6)],
        [STORED, IN_DOUBT, tells("one", 5), tells(None, 6)],
        [STORED, Act(Does.CHANGE, "", 3, 4), Act(Does.CHANGE, "", 5, 6), tells("", 7)],
        [STORED, Act(Does.CHANGE, "", 3), CHANGED, tells("", 7)],
        [Act(Does.STORE, "one", 1), CHANGED, Act(Does.STORE, "one", 4, 5), tells("two", 6)],
        [STORED, CHANGED, Act(Does.TELL, "one", 3.5, 5)],
    ],
)
def test_what_fits_some_order_is_true(acts: Sequence[Act]) -> None:
    assert untrue(acts) is None


def in_some_order(acts: Sequence[Act]) -> bool:
    """Try every order, and each without some of what may never have taken effect."""
    doubtful = [act for act in acts if act.ended == INFINITE]
    for dropped in itertools.chain.from_iterable(itertools.combinations(doubtful, n) for n in range(len(doubtful) + 1)):
        kept = [act for act in acts if not any(act is each for each in dropped)]
        if any(_fits(order) for order in itertools.permutations(kept)):
            return True
    return False


def _fits(order: Sequence[Act]) -> bool:
    if any(later.ended < earlier.began for earlier, later in itertools.combinations(order, 2)):
        return False
    stored = {""}
    for act in order:
        stored = {after for each in stored for after in act.after(each)}
    return bool(stored)


ACTS = st.builds(
    lambda does, body, began, took: Act(does, body or "one" if does is Does.STORE else body, began, began + took),
    st.sampled_from(Does),
    st.sampled_from(["one", "two", ""]),
    st.integers(0, 8),
    st.sampled_from([0, 1, 3, INFINITE]),
).filter(lambda act: act.does is not Does.TELL or act.ended < INFINITE)


@given(st.lists(ACTS, max_size=5))
def test_it_finds_what_trying_every_order_finds(acts: Sequence[Act]) -> None:
    assert (untrue(acts) is None) == in_some_order(acts)
