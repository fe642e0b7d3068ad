"""The model of one id gives what trying every order of the operations gives."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.checks.facts.model import (
    NO_CLAIM,
    NOTHING,
    Claim,
    Contradiction,
    Operation,
    contradictions,
    may_be_stored,
    never,
    only,
)

thorough = settings(max_examples=250, deadline=None, derandomize=True, database=None)
A, B = "a", "b"
STATES = (NOTHING, A, B)
CLAIMS = (NO_CLAIM, only(NOTHING), only(A), only(B), never(NOTHING), never(A), never(NOTHING, A), never(*STATES))


def by_trying(operations: Sequence[Operation]) -> frozenset[str]:
    """Try every order that the times allow, and in each whatever a request may do; return what is stored in the end."""
    open_ended = [each for each in operations if math.isinf(each.ended) and not each.claim.says_something]
    found: set[str] = set()
    for count in range(len(open_ended) + 1):
        for never_acted in itertools.combinations(open_ended, count):
            acted = [each for each in operations if not any(each is other for other in never_acted)]
            for order in itertools.permutations(acted):
                if _in_time(order):
                    found |= set(_ends(order, NOTHING))
    return frozenset(found)


def _in_time(order: Sequence[Operation]) -> bool:
    """Whether no operation comes after one that began when it had already ended."""
    return not any(later.ended < earlier.began for earlier, later in itertools.combinations(order, 2))


def _ends(order: Sequence[Operation], stored: str) -> Iterator[str]:
    if not order:
        yield stored
        return
    first, rest = order[0], order[1:]
    afterwards = {stored, first.stores} if stored == NOTHING and first.stores else {stored}
    for after in afterwards:
        if first.claim.fits(after):
            yield from _ends(rest, after)


@st.composite
def _operations(draw: st.DrawFn) -> list[Operation]:
    made = st.tuples(st.integers(0, 6), st.integers(0, 4) | st.just(math.inf), st.sampled_from(STATES),
                     st.sampled_from(CLAIMS), st.sampled_from(["", "row"]))  # fmt: skip
    return [_sensible(*each) for each in draw(st.lists(made, min_size=1, max_size=5))]


def _sensible(began: int, took: float, stores: str, claim: Claim, kind: str) -> Operation:
    """Without an answer it says nothing, and what says that its body is not stored has not stored it."""
    claim = NO_CLAIM if math.isinf(took) else claim
    return Operation(
        began=began, ended=began + took, stores=stores if claim.fits(stores) else NOTHING, claim=claim, kind=kind
    )


@thorough
@given(_operations())
def test_it_knows_what_trying_every_order_shows(operations: list[Operation]) -> None:
    assert may_be_stored(operations) == by_trying(operations)


def _with_claims(operations: Sequence[Operation], kept: set[int]) -> list[Operation]:
    """The same operations, as if only these had said anything; a request keeps the time in which it may have stored."""
    return [
        each if place in kept else Operation(began=each.began, ended=each.ended, stores=each.stores)
        for place, each in enumerate(operations)
    ]


@thorough
@given(_operations())
def test_a_contradiction_names_two_that_contradict_each_other(operations: list[Operation]) -> None:
    """Each that contradicts what was sent alone; and of the others each, with one like each that it contradicts."""
    found = contradictions(operations)
    assert bool(found) == (not by_trying(operations))
    places = range(len(operations))
    alone = {place for place in places if not by_trying(_with_claims(operations, {place}))}
    couples = [
        (first, second)
        for first, second in itertools.permutations(set(places) - alone, 2)
        if operations[first].ended <= operations[second].ended
        and not by_trying(_with_claims(operations, {first, second}))
    ]
    if alone or couples:
        assert {each.second for each in found if each.first is None} == alone
        assert {(each.first, each.second) for each in found if each.first is not None} <= set(couples)
    for first, second in couples:
        named = [each.first for each in found if each.second in (first, second) and each.first is not None]
        like = [_alike(operations, first, second), _alike(operations, second, first)]
        assert any(place in group for place in named for group in like)


def _alike(operations: Sequence[Operation], place: int, other: int) -> set[int]:
    """The places of operations of the same kind and claim, or of the other."""
    one = operations[place]
    return {n for n, each in enumerate(operations) if (each.kind, each.claim) == (one.kind, one.claim) and n != other}


def test_the_two_are_named() -> None:
    """Most of what may go wrong, each in its smallest form."""
    stored = Operation(began=0, ended=1, stores=A, claim=only(A))
    gone = Operation(began=2, ended=2, claim=only(NOTHING))
    other = Operation(began=2, ended=3, stores=B, claim=only(B))
    assert contradictions([stored, gone]) == [Contradiction(0, 1)]
    assert contradictions([stored, other]) == [Contradiction(0, 1)]
    assert not contradictions([gone])
    assert contradictions([Operation(began=0, ended=0, claim=only(A))]) == [Contradiction(None, 0)]


def test_requests_that_overlap_may_act_in_any_order() -> None:
    stored = Operation(began=0, ended=3, stores=A, claim=only(A))
    assert may_be_stored([stored, Operation(began=1, ended=2, claim=only(NOTHING))]) == {A}
    assert may_be_stored([Operation(began=0, stores=A), Operation(began=0, stores=B)]) == {NOTHING, A, B}
    assert may_be_stored([Operation(began=0, stores=A), Operation(began=5, ended=5, claim=only(NOTHING))]) == {
        NOTHING,
        A,
    }


def test_the_first_may_be_any_of_many() -> None:
    """Which of many that say the same is contradicted depends on when they began and ended; each kind is named."""
    acknowledged = [Operation(began=0, ended=ended, stores=A, claim=only(A)) for ended in (1, 5)]
    assert contradictions([*acknowledged, Operation(began=2, ended=10, claim=only(NOTHING))]) == [Contradiction(0, 2)]
    absent = [Operation(began=0, ended=2, claim=only(NOTHING)), Operation(began=2, ended=3, claim=only(NOTHING))]
    stored = Operation(began=4, ended=4, claim=only(A))
    assert contradictions([Operation(began=0, ended=1, stores=A), *absent, stored]) == [Contradiction(2, 3)]
    row = Operation(began=4, ended=4, claim=only(A), kind="row")
    gone = Operation(began=6, ended=6, claim=only(NOTHING))
    assert contradictions([*acknowledged, row, gone]) == [Contradiction(n, 3) for n in (0, 1, 2)]


def test_the_narrowest_of_many_words_counts() -> None:
    absent = [Operation(began=n, ended=n, claim=only(NOTHING)) for n in (5, 1)]
    something = [Operation(began=n, ended=n, claim=never(NOTHING)) for n in (6, 9)]
    assert may_be_stored([Operation(began=0, ended=3, stores=A), *absent]) == {NOTHING}
    assert may_be_stored([Operation(began=0, stores=A), *absent, *something]) == {A}
    assert may_be_stored([Operation(began=7, stores=A), *something]) == frozenset()


def test_three_may_contradict_each_other_where_no_two_do() -> None:
    """Something is stored, and each of the two bodies that this may be is excluded by another word."""
    open_ended = [Operation(began=0, stores=A), Operation(began=0, stores=B)]
    claims = (never(NOTHING), never(A), never(B), never(B))
    said = [Operation(began=n, ended=n, claim=claim) for n, claim in enumerate(claims, 1)]
    assert not may_be_stored([*open_ended, *said])
    assert contradictions([*open_ended, *said]) == [Contradiction(3, 4)]


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_that_leaves_nothing_out_says_nothing(claim: Claim) -> None:
    assert claim.says_something != all(claim.fits(state) for state in (*STATES, "another"))
