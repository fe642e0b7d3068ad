"""What a service's process may leave behind, according to the kernel, and how much of it is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

THREADS, CHILDREN, FILES, MEMORY = "threads", "child processes", "files", "bytes per request"
HALF_CLOSED = "half-closed connections"
REMEMBERED, OPEN_TO_OTHERS = "deliveries remembered", "ports open to others"
THREADS_AT_ONCE = "threads at once"
OF_PROCESS: Final[Mapping[str, int | None]] = {
    THREADS: 32, CHILDREN: 8, FILES: 0, HALF_CLOSED: 0, MEMORY: None, REMEMBERED: None, OPEN_TO_OTHERS: None,
    THREADS_AT_ONCE: None,
}  # fmt: skip
"""By name: how many more than in steady state there may be, unless the target sets a limit (`[residue]`). None: any
number."""
