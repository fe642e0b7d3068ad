"""Searches a process's memory for the ids of deliveries. It finds kept deliveries, in any language.

Freed memory is overwritten sooner or later, so few of hundreds of freed ids are left. All ids that the process keeps
are there, no matter how its other memory changes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from harness.history import History
from harness.history.events import Purpose, RequestSent

DELIVERIES_TO_TELL = 200
READ_AT_ONCE = 4 << 20
OVERLAP = 256
REGION = re.compile(r"(?P<begin>[0-9a-f]+)-(?P<end>[0-9a-f]+) rw.p [0-9a-f]+ \S+ (?P<inode>\d+)")


def first_deliveries(history: History) -> Sequence[str]:
    """The ids of the first half of the scenario's requests; none if there are too few requests."""
    # A lane of a sweep has none in the history of its rest.
    sent = [sent.delivery for sent in history.of(RequestSent) if sent.purpose == Purpose.SCENARIO]
    first = list(dict.fromkeys(sent))[: len(sent) // 2]
    return first if len(first) >= DELIVERIES_TO_TELL else ()


def share_remembered(pids: Collection[int], ids: Sequence[str]) -> float:
    """How many of these ids, in percent, are in the memory of these processes."""
    found: set[bytes] = set()
    shape = re.compile(re.sub(rb"\d+$", rb"\\d+", re.escape(ids[0]).encode()))
    for pid in pids:
        for text in _memory(pid):
            found.update(shape.findall(text))
    return 100 * len({each.encode() for each in ids} & found) / len(ids)


def _memory(pid: int) -> Iterator[bytes]:
    """All writable memory of a process that no file backs, in overlapping pieces."""
    try:
        maps = Path(f"/proc/{pid}/maps").read_text("utf-8", "surrogateescape")
        with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
            for region in REGION.finditer(maps):
                if region["inode"] == "0":
                    yield from _pieces(memory.fileno(), int(region["begin"], 16), int(region["end"], 16))
    except (FileNotFoundError, ProcessLookupError):
        return  # it has ended meanwhile


def _pieces(memory: int, begin: int, end: int) -> Iterator[bytes]:
    for at in range(begin, end, READ_AT_ONCE):
        try:
            yield os.pread(memory, min(READ_AT_ONCE + OVERLAP, end - at), at)
        except OSError:
            continue  # a page that it has given back since, or may not be read, such as [vvar]
