"""Finds the cell after which a lane's service keeps something.

Compares figures between batches, and tries cells again.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.engine.phases.rest import AtFirst, rest_now
from harness.history.events import AtRest
from harness.polling import poll_async
from harness.search.recording.places import CellId
from harness.search.sweep.cells.trials import Trials
from harness.search.sweep.lane import Lane

SETTLES_WITHIN_S = 1.0
"""Something that a cell leaves for longer than this is not being released."""
CONFIRMED_BY = 2
"""How often a cell must raise the figure again, because a pool may grow once by itself."""


@dataclass(slots=True)
class Growth:
    """Follows one lane. `before`: what the service held before the first cell."""

    lane: Lane
    trials: Trials
    before: AtFirst
    _batches: list[Sequence[CellId]] = field(default_factory=list)
    _figures: list[Mapping[str, float]] = field(default_factory=list)

    async def note(self, cells: Sequence[CellId]) -> None:
        """Read the figures after these cells; call it once without cells before the first."""
        self._batches.append(cells)
        self._figures.append(await self._now())

    async def cell_of(self, name: str) -> CellId | None:
        """Return a cell that raises the figure of that name each time; None if no cell does so by itself."""
        for cell in grown_in(self._batches, [each.get(name, 0.0) for each in self._figures]):
            if await self._raises(cell, name):
                return cell
        return None

    async def _raises(self, cell: CellId, name: str) -> bool:
        for _ in range(CONFIRMED_BY):
            level = (await self._now()).get(name, 0.0)
            await self.trials.attempt(cell)
            if await poll_async(lambda: self._is_back(name, level), within_s=SETTLES_WITHIN_S):  # noqa: B023  # used at once
                return False
        return True

    async def _is_back(self, name: str, level: float) -> bool:
        return (await self._now()).get(name, 0.0) <= level

    async def _now(self) -> Mapping[str, float]:
        found = await rest_now(self.lane.new_rig(), self.before)
        self.lane.go_on_with(None)
        return {rest.name: rest.seen for rest in found if isinstance(rest, AtRest)}


def grown_in(batches: Sequence[Sequence[CellId]], levels: Sequence[float]) -> Sequence[CellId]:
    """Return the cells of the batch with the largest lasting rise of a figure.

    `levels`: the figure after each batch, the first of which has no cells and only begins.
    """
    lowest = list(itertools.accumulate(reversed(levels), min))[::-1]
    rises = [after - before for before, after in itertools.pairwise(lowest)]
    most = max(rises, default=0.0)
    return batches[rises.index(most) + 1] if most > 0 else ()


__all__ = ["Growth", "grown_in"]
