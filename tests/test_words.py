"""`from harness import ...`: every word is there."""

from __future__ import annotations

import pytest

import harness


def test_every_word_is_there() -> None:
    assert {name for name in harness.__all__ if getattr(harness, name, None) is None} == set()
    assert set(harness.__all__) <= set(dir(harness))
    with pytest.raises(AttributeError, match="'harness' has no attribute 'wier'"):
        _ = harness.wier  # type: ignore[attr-defined]
