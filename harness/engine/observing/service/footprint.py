"""Measures what a service's processes hold. The kernel reports this for a service in any language."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.history import Entry, Recorder
from harness.history.events import RequestEnded
from harness.stack.service.service import ServiceProcess
from harness.stack.tcp.sockets import half_closed, process_tree
from harness.target import Target

SAMPLE_EVERY_REQUESTS = 20
REQUESTS_TO_TELL = 900
"""Memory per thousand requests is not computed from fewer requests: a process that is warming up grows by more."""
REQUESTS_TO_SUSPECT = 300
WARMING_UP_KIB = 12_288
"""After a quarter of that many requests, a process grows by more than this only if it keeps a part of each."""
PARTS = 4
ANONYMOUS = re.compile(r"^RssAnon:\s+(\d+) kB", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What one service holds at one moment, including its child processes.

    `files`: in the folders that the target names. `half_closed`: connections of its clients that one side has closed.
    """

    descriptors: int
    threads: int
    children: int
    files: int
    half_closed: int


def footprint(target: Target, service: ServiceProcess) -> Footprint | None:
    """Count what the service holds; None if it does not run."""
    own = service.pids()
    if not own:
        return None
    pids = with_children(own)
    folders = [target.directory / name for name in target.description.service.folders]
    return Footprint(
        descriptors=sum(_entries(pid, "fd") for pid in pids),
        threads=sum(_entries(pid, "task") for pid in pids),
        children=len(pids) - len(own),
        files=sum(len(files) for folder in folders for _, _, files in os.walk(folder)),
        half_closed=half_closed(service.port) if service.port else 0,
    )


def with_children(pids: Collection[int]) -> Collection[int]:
    """These processes, and all processes that they have started."""
    return frozenset(pids).union(process_tree(pids))


def memory_kib(pids: Collection[int]) -> int:
    """The memory of these processes that no file backs: `RssAnon` of /proc/PID/status, in KiB."""
    texts = [_text(Path(f"/proc/{pid}/status")) for pid in pids]
    return sum(int(found[1]) for text in texts if (found := ANONYMOUS.search(text)))


def _entries(pid: int, what: str) -> int:
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/{what}").iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return 0  # the process has ended


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except (FileNotFoundError, ProcessLookupError):
        return ""


@dataclass(frozen=True, slots=True)
class MemorySample:
    """The memory of one process tree after this many requests."""

    pid: int
    requests: int
    kib: int


class MemoryWatch:
    """Samples the service's memory as its requests end: a reading of /proc every twenty requests.

    `threads`: the largest number that was seen when a request ended.
    """

    def __init__(self, service: ServiceProcess, recorder: Recorder) -> None:
        self._service = service
        self._ended = 0
        self._known: frozenset[int] = frozenset()
        self._with_children: Collection[int] = ()
        self.samples: list[MemorySample] = []
        self.threads = 0
        recorder.follow(self._saw)

    def _saw(self, entry: Entry) -> None:
        if not isinstance(entry.event, RequestEnded):
            return
        self._ended += 1
        if not (pids := self._service.pids()):
            return
        self.threads = max(self.threads, sum(_entries(pid, "task") for pid in self._tree(pids)))
        if self._ended % SAMPLE_EVERY_REQUESTS == 0:
            self.samples.append(MemorySample(self._service.process.pid, self._ended, memory_kib(self._tree(pids))))

    def _tree(self, pids: frozenset[int]) -> Collection[int]:
        # So the children are looked for once for each set of processes.
        if pids != self._known:
            self._known, self._with_children = pids, with_children(pids)
        return self._with_children


def bytes_per_request(samples: Sequence[MemorySample]) -> float | None:
    """How much the memory of the last process grew for each request, in bytes; None if there were too few requests.

    A process grows while it warms up, and also needs memory for short times. So its requests are divided into quarters.
    The first quarter does not count; the smallest memory of the second and of the last quarter are compared.
    """
    return _growth(samples, over=REQUESTS_TO_TELL, but_kib=0)


def surely_kept(samples: Sequence[MemorySample]) -> float | None:
    """How much of that growth is more than any warming up, in bytes for each request.

    Fewer requests are enough for this.

    None: there were too few even for this.
    """
    growth = _growth(samples, over=REQUESTS_TO_SUSPECT, but_kib=WARMING_UP_KIB)
    return None if growth is None else max(0.0, growth)


def _growth(samples: Sequence[MemorySample], *, over: int, but_kib: int) -> float | None:
    own = [sample for sample in samples if sample.pid == samples[-1].pid]
    if not own or own[-1].requests - own[0].requests < over:
        return None
    _, second, _, last = (min(sample.kib for sample in part) for part in _parts(own))
    return 1024 * (last - second - but_kib) / ((own[-1].requests - own[0].requests) / 2)


def _parts(samples: Sequence[MemorySample]) -> Iterator[Sequence[MemorySample]]:
    for number in range(PARTS):
        yield samples[number * len(samples) // PARTS : (number + 1) * len(samples) // PARTS]
