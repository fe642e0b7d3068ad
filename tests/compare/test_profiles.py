from __future__ import annotations

from typing import Any

import pytest

from harness.checks import Verdict
from harness.compare.losses import Losses, losses_of
from harness.compare.profiles import Compared, Outcome, SideBySide, cell_text, in_order
from harness.history import History, Recorder
from harness.history.events import Purpose, RequestEnded, RequestSent, RowsRead, StoredRow
from harness.present.terminal.views.comparison.profiles import step_lines
from harness.target import load_target
from harness.vocabulary import ACKNOWLEDGED, REFUSED
from harness.vocabulary import Outcome as Answered
from tests.tiny import CHECKOUT

HELD, FAILED = Verdict.HELD, Verdict.FAILED


def outcome(verdict: Verdict = HELD, **changes: Any) -> Outcome:
    given: dict[str, Any] = {
        "reason": "" if verdict is HELD else "outcome: refused", "worst_ms": 70.0, "recovery_ms": 10.0,
        "lost": 0, "doubled": 0,
    }  # fmt: skip
    return Outcome(verdict=verdict, **{**given, **changes})


def test_the_table_has_a_legend() -> None:
    (legend, *_) = step_lines(compared(outcome(), outcome(FAILED)))
    assert legend[0][0] == "+ held  x failed  ? inconclusive  - unavailable"


def compared(before: Outcome, after: Outcome) -> SideBySide:
    return SideBySide(["old", "new"], [Compared("a", "t", {"old": before, "new": after})])


@pytest.mark.parametrize(
    ("before", "after", "mended", "not_mended", "worse"),
    [
        (outcome(FAILED), outcome(), ["a"], [], []),
        (outcome(FAILED), outcome(FAILED), [], ["a"], []),
        (outcome(), outcome(FAILED), [], [], ["a (held before; now outcome: refused)"]),
        (outcome(), outcome(worst_ms=6_500.0), [], [], ["a (the worst answer takes 6.50 s, 0.07 s before)"]),
        (outcome(), outcome(recovery_ms=900.0), [], [], ["a (recovery takes 0.90 s, 0.01 s before)"]),
        (outcome(), outcome(worst_ms=300.0), [], [], []),
        (outcome(FAILED), outcome(worst_ms=6_500.0), ["a"], [], []),
        (outcome(FAILED), outcome(FAILED, lost=2), [], ["a"], ["a (2 lost, 0 before)"]),
        (outcome(FAILED, worst_ms=None), outcome(), ["a"], [], []),
        (outcome(Verdict.INCONCLUSIVE), outcome(), [], [], []),
    ],
)
def test_what_a_step_mends_does_not_mend_and_makes_worse(
    before: Outcome, after: Outcome, mended: list[str], not_mended: list[str], worse: list[str]
) -> None:
    (step,) = compared(before, after).steps
    assert (step.mended, step.not_mended, step.made_worse) == (mended, not_mended, worse)


def test_a_cell_names_what_was_lost_only_where_something_was() -> None:
    assert cell_text(outcome()) == "held, 0.07 s, back in 0.01 s"
    assert (
        cell_text(outcome(FAILED, lost=1, doubled=3, recovery_ms=None)) == "failed, 0.07 s, **1 lost**, **3 doubled**"
    )


def test_it_is_a_table_that_no_reason_breaks() -> None:
    text = compared(outcome(), outcome(FAILED, reason="got <b>|\nx")).markdown()
    assert text.splitlines()[:4] == [
        "| scenario | `old` | `new` |",
        "|---|---|---|",
        "| `a` | held, 0.07 s, back in 0.01 s | failed, 0.07 s, back in 0.01 s |",
        "| **all** | 1 held | 1 failed |",
    ]
    assert r"- made worse (1): a (held before; now got &lt;b>\| x)" in text.splitlines()


def test_it_is_data() -> None:
    data = compared(outcome(), outcome(FAILED)).to_json()
    assert data["schema"] == "harness.compare/1"
    assert data["scenarios"][0]["profiles"]["new"]["verdict"] == "failed"
    assert data["steps"][0]["made_worse"]


def test_the_least_protected_comes_first_and_the_default_last() -> None:
    target = load_target(CHECKOUT / "scenarios" / "target.toml").description
    assert in_order(target, list(target.profiles)) == ["unprotected", "incident", "grouped", "hardened"]
    assert in_order(target, ["unprotected"]) == ["unprotected", "hardened"]


def history(*events: RequestSent | RequestEnded | RowsRead) -> History:
    recorder = Recorder()
    for event in events:
        recorder.record("x", event)
    return recorder.history


def exchange(number: int, delivery: str, outcome: Answered) -> tuple[RequestSent, RequestEnded]:
    return RequestSent(number, delivery, "d", 1, Purpose.SCENARIO), RequestEnded(number, outcome, 1.0, 200)


def test_lost_is_acknowledged_and_not_stored_at_a_later_reading() -> None:
    events = (
        *exchange(1, "kept", ACKNOWLEDGED),
        *exchange(2, "lost", ACKNOWLEDGED),
        *exchange(3, "refused", REFUSED),
        RowsRead((StoredRow("kept", "d", 1),)),
        *exchange(4, "late", ACKNOWLEDGED),
        RowsRead((StoredRow("kept", "d", 1), StoredRow("lost", "d", 1), StoredRow("late", "d", 1))),
    )
    assert losses_of(history(*events)) == Losses(lost=1, doubled=0)


def test_doubled_is_more_than_one_row_whatever_their_bodies() -> None:
    rows = (StoredRow("a", "d", 1), StoredRow("a", "e", 1), StoredRow("b", "d", 3), StoredRow("c", "d", 1))
    assert losses_of(history(RowsRead(rows))) == Losses(lost=0, doubled=2)


def test_where_nobody_read_nothing_is_known() -> None:
    assert losses_of(history(*exchange(1, "a", ACKNOWLEDGED))) == Losses(None, None)
