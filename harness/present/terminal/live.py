"""Shows a run on a terminal while it goes on: with a live line below the others."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import IO, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from harness.history import Entry
from harness.history.events import EvidenceSeen, FaultActed
from harness.present.terminal.pieces import Fit, FittedLine, Line
from harness.present.terminal.running import Now
from harness.present.terminal.screen import Screen, Verbosity
from harness.results import RunResult

FRAMES_PER_S = 8
LINES_MAX: Mapping[str, int] = {"why": 3, "log": 2}
"""How many lines of each part of a failure to show on a terminal. Other parts get one line. The report and -v show
all.
"""
ROOM_MIN = 20
"""The minimum length of a story's line, even on a narrow terminal."""
NOW_STYLES: Mapping[str, str] = {"what": "bold cyan", "fault": "bold red", "evidence": "magenta", "seen": "cyan"}


class LiveScreen(Screen):
    """A terminal: colours, lines cut to its width, and a last line that shows what runs now."""

    def __init__(self, stream: IO[str], verbosity: Verbosity) -> None:
        super().__init__(verbosity)
        self._console = Console(file=stream, force_terminal=True, highlight=False, markup=False, emoji=False)
        self._live = Live(
            console=self._console,
            get_renderable=self._running,
            refresh_per_second=FRAMES_PER_S,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def write(self, line: Line) -> None:
        """Write above the live line. A success takes one line, a failure a few lines, or all of them with -v.

        Text to copy is never broken: the terminal itself wraps it.
        """
        fit = line.fit if isinstance(line, FittedLine) else None
        if fit is Fit.CUT:
            text = Text.assemble(*line)
            text.truncate(self._console.width, overflow="ellipsis")
            self._console.print(text, soft_wrap=True)
        elif fit is Fit.INDENTED:
            self._write_indented(line)
        else:
            self._console.print(Text.assemble(*line), soft_wrap=True)

    def _write_indented(self, line: Line) -> None:
        """Wrap at words, indented to the text's own beginning."""
        label, told = line
        indent = len(label[0])
        lines = Text(told[0], style=told[1]).wrap(self._console, max(ROOM_MIN, self._console.width - indent - 1))
        most = len(lines) if self._verbosity >= Verbosity.VERBOSE else LINES_MAX.get(label[0].strip(), 1)
        for place, text in enumerate(lines[:most]):
            if place == most - 1 < len(lines) - 1:
                text.rstrip()
                text.append("…")
            head = Text(label[0] if place == 0 else " " * indent, style=label[1])
            self._console.print(head + text, soft_wrap=True)

    def saw(self, entry: Entry) -> None:
        """A fault and its evidence are shown at once, because they may be over by the next frame."""
        super().saw(entry)
        if isinstance(entry.event, FaultActed | EvidenceSeen):
            self._live.refresh()

    def ended(self, result: RunResult, note: str) -> None:
        """Clear the live line, because no run is left."""
        super().ended(result, note)
        self._live.refresh()

    def _running(self) -> Text:
        lines = [_live_line(now) for now in self._going_on()]
        for line in lines:
            line.truncate(self._console.width, overflow="ellipsis")
        return Text("\n", no_wrap=True).join(lines)


def _live_line(now: Now) -> Text:
    text = Text("> ", style="cyan")
    for place, (piece, kind) in enumerate(now.pieces()):
        text.append(", " if place else "", style="dim").append(piece, style=NOW_STYLES[kind])
    return text
