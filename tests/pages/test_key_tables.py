"""The tables of keys in docs/ are what the code has."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.documents import Table
from tests.pages.key_tables import COMMAND, PAGES, PLACE, NotToldError, page_with_tables, table


class Lamp(Table):
    """A lamp."""

    watts: int | None = None
    """How bright it is: `a|b`."""
    names: list[str]
    """What it is called."""


class Untold(Table):
    """A lamp of which not all is told."""

    watts: int


class OfAStranger(Table):
    """A lamp with a kind that no page has a word for."""

    path: Path
    """Where it is."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_tables_are_the_code_s(page: Path) -> None:
    text = page.read_text("utf-8")
    assert len(PLACE.findall(text)) == text.count("<!-- keys: ") == text.count("<!-- end of keys -->") > 0
    assert page_with_tables(text) == text, f"run {COMMAND}"


def test_a_table_says_what_a_key_is_and_what_holds_without_it() -> None:
    assert table(Lamp).splitlines()[2:] == [
        "| key | what it is | without it | meaning |",
        "|---|---|---|---|",
        r"| `watts` | whole number | nothing | How bright it is: `a\|b`. |",
        "| `names` | list of: text | required | What it is called. |",
    ]


@pytest.mark.parametrize(("model", "missing"), [(Untold, "watts"), (OfAStranger, "Path")])
def test_what_the_source_does_not_say_is_an_error(model: type[Table], missing: str) -> None:
    with pytest.raises(NotToldError, match=missing):
        table(model)
