"""Any well-behaved history passes the safety checks; with one defect planted, the named check finds it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checks import Verdict
from harness.history.events import StoredRow
from harness.vocabulary import ACKNOWLEDGED, ANY_OUTCOME, REFUSED, UNKNOWN, Outcome
from tests.checks.support import Story, row
from tests.vocabulary.support import quick

SAFETY = {"acknowledged_is_stored", "stored_once", "nothing_foreign", "refused_is_not_stored", "same_answer_again"}


@dataclass(frozen=True)
class Delivered:
    """One delivery: how each of its copies ended, and whether one that nobody knows of was stored."""

    name: str
    outcomes: tuple[Outcome, ...]
    unknown_was_stored: bool

    @property
    def stored(self) -> bool:
        return ACKNOWLEDGED in self.outcomes or (UNKNOWN in self.outcomes and self.unknown_was_stored)

    @property
    def sent_again(self) -> bool:
        return set(self.outcomes) != {REFUSED}


@dataclass(frozen=True)
class Stored:
    """What the two readings find, and what each repeat is answered."""

    first: tuple[StoredRow, ...]
    last: tuple[StoredRow, ...]
    answers_again: dict[str, str]


OUTCOMES = st.lists(st.sampled_from([ACKNOWLEDGED, REFUSED, UNKNOWN]), min_size=1, max_size=4).map(tuple)


@st.composite
def _deliveries(draw: st.DrawFn) -> list[Delivered]:
    """Some, and at least one of each kind that a defect needs."""
    drawn = draw(st.lists(st.tuples(OUTCOMES, st.booleans()), max_size=6))
    fixed = [((ACKNOWLEDGED, UNKNOWN), True), ((REFUSED, REFUSED), False)]
    mixed = draw(st.permutations([*drawn, *fixed]))
    return [Delivered(f"msg_{n}", outcomes, stored) for n, (outcomes, stored) in enumerate(mixed)]


def _stored(deliveries: list[Delivered]) -> Stored:
    return Stored(
        first=tuple(row(each.name) for each in deliveries if each.stored),
        last=tuple(row(each.name) for each in deliveries if each.stored or each.sent_again),
        answers_again={each.name: f"stored {each.name}" for each in deliveries if each.sent_again},
    )


def _story(deliveries: list[Delivered], stored: Stored) -> Story:
    story = Story().begin().fault()
    for each in deliveries:
        numbers = [story.send(each.name, expected=ANY_OUTCOME) for _ in each.outcomes]
        for number, outcome in zip(numbers, each.outcomes, strict=True):
            story.end(number, outcome, answer=f"stored {each.name}" if outcome is ACKNOWLEDGED else "busy")
    story.recover().rows(*stored.first)
    for name, answer in stored.answers_again.items():
        story.again(name, answer=answer)
    return story.rows(*stored.last)


@quick
@given(_deliveries())
def test_a_well_behaved_history_is_held(deliveries: list[Delivered]) -> None:
    judgement = _story(deliveries, _stored(deliveries)).judged()
    assert (judgement.verdict, judgement.reason) == (Verdict.HELD, "")


FOUND_BY = {
    "lost": "acknowledged_is_stored",
    "lost and mended": "acknowledged_is_stored",
    "doubled": "stored_once",
    "doubled at first": "stored_once",
    "foreign": "nothing_foreign",
    "changed": "nothing_foreign",
    "refused": "refused_is_not_stored",
    "other answer": "same_answer_again",
}


def _plant(defect: str, deliveries: list[Delivered], stored: Stored, pick: int) -> Stored:
    promised = [each.name for each in deliveries if ACKNOWLEDGED in each.outcomes]
    refused = [each.name for each in deliveries if not each.sent_again]
    one = promised[pick % len(promised)]

    def without(rows: tuple[StoredRow, ...]) -> tuple[StoredRow, ...]:
        return tuple(each for each in rows if each.id != one)

    spoilt: dict[str, dict[str, Any]] = {
        "lost": {"last": without(stored.last)},
        "lost and mended": {"first": without(stored.first)},
        "doubled": {"last": (*stored.last, row(one))},
        "doubled at first": {"first": (*without(stored.first), row(one, copies=2))},
        "foreign": {"last": (*stored.last, row("msg_never_sent"))},
        "changed": {"last": (*without(stored.last), row(one, digest="another"))},
        "refused": {"last": (*stored.last, row(refused[pick % len(refused)]))},
        "other answer": {"answers_again": stored.answers_again | {one: "stored it, I think"}},
    }
    return dataclasses.replace(stored, **spoilt[defect])


@pytest.mark.parametrize("defect", FOUND_BY)
@quick
@given(_deliveries(), st.integers(0, 50))
def test_a_planted_defect_is_always_found(defect: str, deliveries: list[Delivered], pick: int) -> None:
    story = _story(deliveries, _plant(defect, deliveries, _stored(deliveries), pick))
    assert story.judged().verdict is Verdict.FAILED
    assert story.failing() & SAFETY == {FOUND_BY[defect]}
