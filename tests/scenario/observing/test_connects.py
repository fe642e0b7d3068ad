"""How many connects come at once."""

from __future__ import annotations

import pytest

from harness.engine.observing.service.connects import peak


@pytest.mark.parametrize(
    ("times_ns", "most"),
    [
        ([], 0),
        ([7], 1),
        ([0, 9], 2),
        ([0, 10], 1),  # as far apart as the window is wide
        ([0, 6, 12, 18, 24], 2),
        ([0, 8, 12, 17, 40], 3),  # the window begins where it holds the most
        ([17, 0, 12, 8], 3),  # in any order
        ([5, 5, 5], 3),
    ],
)
def test_the_fullest_window_counts(times_ns: list[int], most: int) -> None:
    assert peak(times_ns, window_ns=10) == most
