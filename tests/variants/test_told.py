"""What `harness answers` says of a difference, and its exit status."""

from __future__ import annotations

from pathlib import Path

from harness.engine.variants.answers import Answer
from harness.engine.variants.approved import Approved
from harness.exit_status import ExitStatus
from harness.present.terminal.views.answers import answers_lines
from harness.suite.verbs.answers import RecordedAnswers

OK, NO = Answer("200", (), "fine", "{id} with its body"), Answer("401", (), "", "nothing")


def recorded(seen: Approved, *, updated: bool = False) -> RecordedAnswers:
    return RecordedAnswers(path=Path("answers.toml"), approved={"a": OK, "b": NO}, seen=seen, updated=updated)


def lines(found: RecordedAnswers) -> list[str]:
    return ["".join(text for text, _ in line) for line in answers_lines(found)]


def test_nothing_differs() -> None:
    found = recorded({"a": OK, "b": NO})
    assert (lines(found), found.status) == (["2 variants, 0 not as approved in answers.toml"], ExitStatus.HELD)


def test_each_difference_is_shown_with_both_answers_and_the_mend() -> None:
    found = recorded({"a": NO, "c": OK})
    assert lines(found) == [
        "a", "  - 200 fine; stored: {id} with its body", "  + 401; stored: nothing",
        "c", "  + 200 fine; stored: {id} with its body",
        "b", "  - 401; stored: nothing",
        "2 variants, 3 not as approved in answers.toml; if that is meant, run `python -m harness answers --update`",
    ]  # fmt: skip
    assert found.status is ExitStatus.FAILED
    assert found.to_json() == {"new": ["c"], "gone": ["b"], "other": ["a"]}


def test_what_was_written_anew_is_to_be_reviewed() -> None:
    found = recorded({"a": NO, "b": NO}, updated=True)
    assert lines(found)[-1].endswith("written again; review the difference")
    assert found.status is ExitStatus.HELD
