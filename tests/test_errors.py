"""What a wrong word is answered: the closest valid one, and no more of the others than a terminal shows."""

from __future__ import annotations

from harness.errors import SHOWN_OF_MANY, SHOWN_WHOLE, UsageError


def _told(value: str, valid: list[str]) -> str:
    return str(UsageError.at("command line", "ID", value, "no such mutant", valid=valid))


def test_a_few_valid_words_are_all_shown() -> None:
    told = _told("retry_fore", ["retry_fore_ever", "drop_row", "answer_late"])

    assert "valid: answer_late, drop_row, retry_fore_ever" in told
    assert "mend: write 'retry_fore_ever'" in told


def test_of_many_valid_words_only_the_closest_are_shown_and_the_others_counted() -> None:
    many = [f"slip_{number:03}" for number in range(400)]

    told = _told("slip_071x", many)

    assert "closest valid: 'slip_071'" in told
    assert "slip_171" in told
    assert told.count("slip_") <= SHOWN_OF_MANY + 4  # the value, the closest twice
    assert f"and {400 - SHOWN_OF_MANY} others" in told


def test_where_none_is_close_the_first_are_shown_and_the_others_counted() -> None:
    told = _told("?", [f"word{number:03}" for number in range(SHOWN_WHOLE + 1)])

    assert "use one of: word000, word001" in told
    assert f"and {SHOWN_WHOLE + 1 - SHOWN_OF_MANY} others" in told
