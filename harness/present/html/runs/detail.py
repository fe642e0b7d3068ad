"""Chooses how much the report shows of each run, so that it stays small with many runs."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

MANY_RUNS = 90
TOO_MANY_RUNS = 900
OPEN_MAX = 30
"""This many of the runs that did not hold are in the page uncompressed, readable without its script and on paper."""
TOLD_IN_FULL_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """`titled_points`: how many requests may show their story when you point at them. `log_lines`: for each log."""

    titled_points: int
    log_lines: int
    log_characters: int
    exceptions: bool
    history: bool = True
    """Whether the history is read. Without a history there is no timeline and no story."""
    packed: bool = False
    """Whether the page holds it compressed, and its script unpacks it when the run is opened."""


FULL = Detail(titled_points=300, log_lines=40, log_characters=400, exceptions=True)
"""For runs that did not hold: what readers look for."""
BRIEF = Detail(titled_points=100, log_lines=8, log_characters=240, exceptions=True)
LEAN = Detail(titled_points=0, log_lines=0, log_characters=0, exceptions=False, packed=True)
PACKED = dataclasses.replace(FULL, packed=True)
LEAST = Detail(titled_points=0, log_lines=0, log_characters=0, exceptions=False, history=False)


@dataclass(slots=True)
class Details:
    """Gives each run its share, in turn."""

    runs: int
    in_full: int = 0

    def next(self, *, wanted: bool) -> Detail:
        """`wanted`: the run held, or failed as its proof demands."""
        if not wanted and self.in_full < TOLD_IN_FULL_MAX:
            self.in_full += 1
            return FULL if self.in_full <= OPEN_MAX else PACKED
        if self.runs > TOO_MANY_RUNS:
            return LEAST
        return LEAN if self.runs > MANY_RUNS else BRIEF
