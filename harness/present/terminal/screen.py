"""Shows a run while it goes on: with a live line on a terminal, line by line in a pipe."""

from __future__ import annotations

import abc
import enum
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import IO, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from harness.checks import Verdict
from harness.history import Entry
from harness.history.events import EvidenceSeen, FaultActed
from harness.present.looks import DIM
from harness.present.terminal.lines import proof_lines, run_lines, shown_key
from harness.present.terminal.pieces import Fit, FittedLine, Line
from harness.present.terminal.running import Now
from harness.present.terminal.streams import into_nothing
from harness.results import Role, RunKey, RunResult
from harness.results.ablation import PairVerdict, ProofResult

FRAMES_PER_S = 8
STILL_RUNNING_S = 15.0
"""If the output is a pipe: after this many seconds without a line, print what is running."""
LINES_MAX: Mapping[str, int] = {"why": 3, "log": 2}
"""How many lines of each part of a failure to show on a terminal. Other parts get one line. The report and -v show
all.
"""
ROOM_MIN = 20
"""The minimum length of a story's line, even on a narrow terminal."""
OUTSIDE = 0
"""Stands for a thread, for work outside of any scenario."""
NOW_STYLES: Mapping[str, str] = {"what": "bold cyan", "fault": "bold red", "evidence": "magenta", "seen": "cyan"}


class Verbosity(enum.IntEnum):
    """How much is shown."""

    QUIET = -1
    """Only what did not hold."""
    NORMAL = 0
    VERBOSE = 1
    """Steps and figures too, and every run of every proof."""


class Screen(abc.ABC):
    """A context manager, and the watcher of a session."""

    def __init__(self, verbosity: Verbosity) -> None:
        self._verbosity = verbosity
        self._lanes: dict[int, Now] = {}
        """What runs, by the thread that runs it: scenarios may run side by side."""
        self.profile = ""
        """The session's: what differs from it is shown with each run."""
        self.total = 0
        """How many scenarios will run; 0 if unknown."""
        self._numbers: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    @abc.abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @abc.abstractmethod
    def write(self, line: Line) -> None:
        """Write one line, at once."""

    def write_all(self, lines: Iterable[Line]) -> None:
        """Write several lines in order."""
        for line in lines:
            self.write(line)

    def progress(self, text: str) -> None:
        """Show a note on something slow outside of any scenario."""
        self._lanes[OUTSIDE] = Now(text)
        if self._verbosity > Verbosity.QUIET:
            self.write([(text, DIM)])

    def began(self, key: RunKey, role: Role) -> None:
        """Show that a run begins."""
        prefix = self._place(key) if role == "scenario" else f"{role}: "
        self._lanes.pop(OUTSIDE, None)
        self._lanes[threading.get_ident()] = Now(prefix + shown_key(key, self.profile))

    def _place(self, key: RunKey) -> str:
        """Return the scenario's number among those begun (`7/35 `); empty if there is only one."""
        number = self._numbers.setdefault(key.id, len(self._numbers) + 1)
        return f"{number}/{self.total} " if 1 < self.total >= number else ""

    def saw(self, entry: Entry) -> None:
        """Its history has grown."""
        now = self._lanes.get(threading.get_ident())
        if now is not None:
            now.saw(entry)

    def ended(self, result: RunResult, note: str) -> None:
        """Show a run's verdict."""
        now = self._lanes.pop(threading.get_ident(), None)
        steps = now.steps if now else []
        if not self._says(result):
            return
        verbose = self._verbosity >= Verbosity.VERBOSE
        self.write_all(run_lines(result, note, profile=self.profile, verbose=verbose, steps=steps))

    def _going_on(self) -> Sequence[Now]:
        """Return what runs now, oldest first. Called from a thread that runs no scenario."""
        return list(self._lanes.copy().values())

    def proved(self, proof: ProofResult) -> None:
        """A pair of runs is judged."""
        if self._verbosity > Verbosity.QUIET or proof.judgement.verdict is not PairVerdict.PROVED:
            self.write_all(proof_lines(proof))

    def _says(self, result: RunResult) -> bool:
        """Controls and ablated runs are reported with their proof, unless this machine cannot do them."""
        if self._verbosity >= Verbosity.VERBOSE or result.verdict is Verdict.UNAVAILABLE:
            return True
        if result.role != "scenario":
            return False
        return self._verbosity > Verbosity.QUIET or result.verdict is not Verdict.HELD


class PlainScreen(Screen):
    """Complete lines without control characters, each flushed at once.

    After `still_running_s` without a line it says what is running.
    """

    def __init__(self, stream: IO[str], verbosity: Verbosity, *, still_running_s: float = STILL_RUNNING_S) -> None:
        super().__init__(verbosity)
        self._stream = stream
        self._still_running_s = still_running_s
        self._lock = threading.Lock()
        self._written = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._say_what_runs, daemon=True, name="harness-screen")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        self._written.set()
        self._thread.join()

    def write(self, line: Line) -> None:
        """Write a line. If the reader has gone, the run continues anyway."""
        self._written.set()
        self._put("".join(text for text, _ in line))

    def _put(self, text: str) -> None:
        with self._lock:
            try:
                self._stream.write(f"{text.rstrip()}\n")
                self._stream.flush()
            except BrokenPipeError:
                into_nothing(self._stream)

    def _say_what_runs(self) -> None:
        while not self._closed:
            self._written.clear()
            before = self._going_on()
            if not self._written.wait(self._still_running_s):
                for now in self._going_on():
                    if any(now is each for each in before):
                        self._put(f"... {now}")


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


def screen_for(stream: IO[str], verbosity: Verbosity) -> Screen:
    """Return the screen that fits the stream."""
    if stream.isatty() and os.environ.get("TERM") != "dumb":
        return LiveScreen(stream, verbosity)
    return PlainScreen(stream, verbosity)
