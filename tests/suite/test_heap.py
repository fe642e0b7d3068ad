"""While runs are made, what was loaded before is no concern of the collector's."""

from __future__ import annotations

import gc

from harness.suite.heap import settled_heap


def test_what_is_loaded_is_left_alone_until_the_end() -> None:
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    with settled_heap():
        assert gc.get_freeze_count() > frozen
        assert gc.get_threshold()[0] > before[0]
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)
