"""Shows a run while it goes on: line by line, as into a pipe. `live` shows it on a terminal."""

from __future__ import annotations

import abc
import enum
import os
import threading
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import IO, Self

from harness.checks import Verdict
from harness.history import Entry
from harness.present.looks import DIM
from harness.present.terminal.lines import proof_lines, run_lines, shown_key
from harness.present.terminal.pieces import Line
from harness.present.terminal.running import Now
from harness.present.terminal.streams import into_nothing
from harness.results import Role, RunKey, RunResult
from harness.results.ablation import PairVerdict, ProofResult

STILL_RUNNING_S = 15.0
"""If the output is a pipe: after this many seconds without a line, print what is running."""
OUTSIDE = 0
"""Stands for a thread, for work outside of any scenario."""


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


def screen_for(stream: IO[str], verbosity: Verbosity) -> Screen:
    """Return the screen that fits the stream."""
    if stream.isatty() and os.environ.get("TERM") != "dumb":
        from harness.present.terminal.live import LiveScreen  # noqa: PLC0415  # rich, which a pipe does not need

        return LiveScreen(stream, verbosity)
    return PlainScreen(stream, verbosity)
