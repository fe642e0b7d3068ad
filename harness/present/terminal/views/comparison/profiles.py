"""Shows profiles side by side on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.compare.profiles import Compared, Outcome, SideBySide, seconds
from harness.present.looks import BOLD, DIM, legend, look
from harness.present.terminal.pieces import Line, Piece
from harness.results.text import one_line

CELL_WIDTH = 26


class ProfileTable:
    """Scenarios down, profiles across: line by line, because each scenario is shown when it has run."""

    def __init__(self, order: Sequence[str], ids: Sequence[str]) -> None:
        self._order = order
        self._width = max(map(len, ids), default=0)

    def head(self) -> Line:
        """The names of the profiles, and what a cell holds."""
        names = "".join(f"{name[:CELL_WIDTH]:{CELL_WIDTH}}" for name in self._order)
        return [(f"{'':{self._width}}  {names}", BOLD), ("(worst answer, recovery, lost, doubled)", DIM)]

    def row(self, compared: Compared) -> Line:
        """Return the row of one scenario."""
        pieces: list[Piece] = [(f"{compared.id:{self._width}}  ", BOLD)]
        for name in self._order:
            outcome = compared.outcomes.get(name)
            pieces += _cell(outcome) if outcome is not None else [(" " * CELL_WIDTH, "")]
        return pieces


def _cell(outcome: Outcome) -> Iterator[Piece]:
    looks = look(outcome.verdict)
    times = "".join(f"{_or_dash(time_ms):>9}" for time_ms in (outcome.worst_ms, outcome.recovery_ms))
    counts = "".join(f"{'-' if count is None else count:>3}" for count in (outcome.lost, outcome.doubled))
    yield (f"{looks.mark}{times}{counts}".ljust(CELL_WIDTH), looks.style)


def _or_dash(time_ms: float | None) -> str:
    return "-" if time_ms is None else seconds(time_ms)


def step_lines(found: SideBySide) -> Iterator[Line]:
    """The legend of the rows; what each step from one profile to the next fixes, does not fix, and makes worse."""
    yield [(legend(), DIM)]
    for step in found.steps:
        yield [(f"from {step.before} to {step.after}", BOLD)]
        parts: Mapping[str, Sequence[str]] = {
            "mended": step.mended, "not mended": step.not_mended, "made worse": step.made_worse,
        }  # fmt: skip
        for title, names in parts.items():
            yield [(f"  {title:10} {len(names):3}  ", DIM), (one_line(", ".join(names)), "")]
