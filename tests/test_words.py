"""`from harness import ...`: every word is there, and words that are called say how."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable

import pytest

import harness

SECTIONS = re.compile(r"^(?:Args|Raises|Returns):\n(?:(?: {4,}.*)?\n?)*", re.MULTILINE)
CALLED: dict[str, Callable[..., object]] = {
    **{name: word for name in harness.__all__ if inspect.isfunction(word := getattr(harness, name))},
    **{
        f"service.{name}": method
        for name, method in inspect.getmembers(harness.service, inspect.ismethod)
        if not name.startswith("_")
    },
    **{
        f"lab.{name}": getattr(harness.Lab, name)
        for name in ("deliver", "expect", "heal", "inject", "restart", "traffic", "until")
    },
}
"""The functions that `harness` exports, and the verbs of `service` and of the lab."""


def test_every_word_is_there() -> None:
    assert {name for name in harness.__all__ if getattr(harness, name, None) is None} == set()
    assert set(harness.__all__) <= set(dir(harness))
    with pytest.raises(AttributeError, match="'harness' has no attribute 'wier'"):
        _ = harness.wier  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", CALLED)
def test_a_word_that_is_called_shows_an_example_and_says_what_each_argument_is(name: str) -> None:
    text = inspect.getdoc(CALLED[name]) or ""
    assert has_example(text), text
    arguments = text.partition("\nArgs:\n")[2]
    taken = [parameter for parameter in inspect.signature(CALLED[name]).parameters if parameter != "self"]
    assert [one for one in taken if not re.search(rf"^ {{4}}{one}: \S", arguments, re.MULTILINE)] == [], text


@pytest.mark.parametrize("word", [harness.Answer, harness.Outcome, harness.Lab, harness.no_fault, harness.service])
def test_a_word_that_scenarios_use_as_it_is_shows_an_example(word: object) -> None:
    assert has_example(inspect.getdoc(word) or "")


def has_example(text: str) -> bool:
    """Whether a docstring has an indented line outside of its sections."""
    return re.search(r"^ {4,}\S", SECTIONS.sub("", text), re.MULTILINE) is not None
