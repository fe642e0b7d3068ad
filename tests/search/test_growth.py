"""Which batch a figure rose in: the one after which it never fell to its former level again."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.search.sweep.growth import grown_in
from harness.search.sweep.results import CellVerdict, LaneProblem
from tests.search.made import cell

FIRST, SECOND, THIRD = ([cell(action)] for action in ("cut_before", "stall", "drop"))


@pytest.mark.parametrize(
    ("levels", "cells"),
    [
        ([3, 3, 3, 3], []),
        ([3, 3, 4, 4], SECOND),
        ([3, 9, 3, 4], THIRD),  # the first peak went away
        ([3, 4, 5, 9], THIRD),  # the steepest
        ([9, 3, 3, 4], THIRD),  # what there was at first does not count
        ([3, 5, 9, 3], []),
    ],
)
def test_what_went_away_again_has_not_grown(levels: list[float], cells: Sequence[object]) -> None:
    assert list(grown_in([[], FIRST, SECOND, THIRD], levels)) == cells


def test_a_lanes_problem_names_its_cell() -> None:
    problem = LaneProblem(lane=1, verdict=CellVerdict.FAILED, reason="tasks stay at 9", cell=cell("stall"))
    assert problem.told == f"tasks stay at 9; each time after {cell('stall')}"
    assert problem.to_json()["cell"] == str(cell("stall"))
