"""The lists in docs/ are what the code has, and each page has its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages.lists import COMMAND, PAGES, PLACE, page_with_lists


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_lists_are_the_code_s(page: Path) -> None:
    text = page.read_text("utf-8")
    assert len(PLACE.findall(text)) == text.count("<!-- list: ") == text.count("<!-- end of list -->") == 1
    assert page_with_lists(text) == text, f"run {COMMAND}"
