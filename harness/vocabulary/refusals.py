"""Checks of a value's fields when the value is created, from Python or from a file."""

from __future__ import annotations

import re

from harness.errors import UsageError
from harness.vocabulary.outcome import Outcome

DAY_S = 86_400.0
"""The longest limit of time: a limit that is never reached could not fail."""


def at_least_one(place: str, key: str, number: int, problem: str) -> None:
    """Refuse a count that is less than 1. Raises UsageError."""
    if number < 1:
        raise UsageError.at(place, key, number, problem, mend="write 1 or more")


def some_outcome(place: str, key: str, outcome: Outcome) -> None:
    """Refuse an expectation that no answer could meet. Raises UsageError."""
    if not outcome:
        raise UsageError.at(place, key, str(outcome), "names no outcome", mend="write one, such as ACKNOWLEDGED")


def an_expression(place: str, key: str, pattern: str) -> None:
    """Refuse a text that is not a regular expression. Raises UsageError."""
    try:
        re.compile(pattern)
    except re.error as problem:
        mend = "mend the expression; a backslash before a special character makes it literal"
        raise UsageError.at(place, key, pattern, f"not a regular expression: {problem}", mend=mend) from problem
