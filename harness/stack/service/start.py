"""The start of a service: its description, and when it is complete."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.polling import poll, poll_async
from harness.processes.keeper import KeptProcess, LogFile, PreloadedPython
from harness.processes.syscalls import Rule
from harness.stack.http.client import HttpClient, UnansweredError
from harness.stack.tcp.sockets import listening

LOG_TAIL_LINES = 15
NOT_STARTED = "the service did not start: "
TRACEBACK = "Traceback (most recent call last)"
"""The beginning of a traceback in Python. The lines of its frames are indented."""
FRAME = re.compile(r"\s+at \S")
"""A frame in JavaScript or Java."""


class ServiceStartError(HarnessError):
    """The service ended, or stayed silent, before it was alive. A check decides what this means.

    `waited_s`: how long the harness waited; 0 if it ended.
    """

    def __init__(self, problem: str, *, waited_s: float = 0.0) -> None:
        super().__init__(problem)
        self.waited_s = waited_s


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """How to start the service; all placeholders are filled in."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    cwd: Path
    log: Path
    listening: re.Pattern[str] | None
    """Finds the group `port` in its log. None: it listens on `port`, which it was given."""
    port: int = 0
    alive: str
    start_within_s: float
    stop_within_s: float
    watch_connects: bool
    rules: tuple[Rule, ...] = ()
    """The rules for its connects from the first one on, if they are watched."""
    preloaded: PreloadedPython | None = None
    """The Python that forks it, if the target allows that."""
    elsewhere: Callable[[], ServiceSpec] | None = None
    """Describes another process of it, on another port; None: it takes a free port itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """A started process that need not serve yet. `mark`: where its output begins in the log.

    `mute`: its output is lost, so the harness asks the kernel where it listens.
    """

    process: KeptProcess
    spec: ServiceSpec
    mark: int
    mute: bool

    @property
    def _log(self) -> LogFile:
        return LogFile(self.spec.log)

    async def until_listening(self) -> int:
        """Return the port as soon as the service says where it listens. Raises ServiceStartError."""
        says_where, process = self.spec.listening, self.process
        if says_where is None:
            return self.spec.port

        def port_in_log() -> int | None:
            # Wait for the process first: then the log has all that it wrote.
            gone = process.poll()
            if self.mute and gone is None:  # it can say nothing: the kernel knows
                return next((each.local.port for each in listening(0, pids=[process.pid])), None)
            found = says_where.search(self._log.read(self.mark))
            if found is None and gone is not None:
                raise self._did_not_start(f"it ended with status {gone}")
            return int(found["port"]) if found else None

        port = await poll(port_in_log, within_s=self.spec.start_within_s)
        if port is None:
            within_s, wanted = self.spec.start_within_s, says_where.pattern
            why = f"no line of its log said in {within_s:g} s where it listens: {wanted!r}"
            raise self._did_not_start(why, waited_s=within_s)
        return port

    async def until_alive(self, port: int) -> None:
        """Ask until it answers 2xx: a service may listen before it is up. Raises ServiceStartError."""
        path, last = self.spec.alive, "nothing"
        async with HttpClient(keep_alive=False) as client:

            async def alive() -> bool:
                nonlocal last
                gone = self.process.poll()
                if gone is not None:
                    raise self._did_not_start(f"it ended with status {gone}")
                try:
                    answer = await client.get(port, path, within_s=self.spec.start_within_s)
                except (UnansweredError, TimeoutError) as problem:
                    last = repr(problem)
                    return False
                last = f"it answered {answer.status}"
                return answer.is_success

            if not await poll_async(alive, within_s=self.spec.start_within_s):
                within_s = self.spec.start_within_s
                why = f"{path} did not say in {within_s:g} s (start_within_s) that it is alive: {last}"
                raise self._did_not_start(why, waited_s=within_s)

    def _did_not_start(self, why: str, *, waited_s: float = 0.0) -> ServiceStartError:
        tail = without_frames(self._log.tail(LOG_TAIL_LINES, since=self.mark))
        return ServiceStartError(f"{NOT_STARTED}{why}; the end of its output:\n{tail}", waited_s=waited_s)


def in_one_line(tail: str) -> str:
    """The last lines of a log, without a traceback's frames, in one line."""
    return " | ".join(line.strip() for line in without_frames(tail).splitlines() if line.strip())


def without_frames(tail: str) -> str:
    """The lines without a traceback's frames, which hide their error. All lines if there are no others."""
    kept: list[str] = []
    frames = True  # it may begin within one
    for line in tail.splitlines():
        frames = line.startswith(TRACEBACK) or (line[:1].isspace() and (frames or line.lstrip().startswith('File "')))
        if (not frames and FRAME.match(line) is None) or line.startswith(TRACEBACK):
            kept.append(line)
    return "\n".join(kept) or tail
