"""How much memory a process has now, and had at most."""

from __future__ import annotations

import re
from pathlib import Path


def resident_mib(pid: int) -> float:
    """The resident memory now, in MiB (proc(5), VmRSS)."""
    return from_status(_status(pid), "VmRSS")


def peak_mib(pid: int) -> float:
    """The largest resident memory so far, in MiB (proc(5), VmHWM)."""
    return from_status(_status(pid), "VmHWM")


def from_status(text: str, field: str) -> float:
    """Read a field in kB of /proc/PID/status, as MiB. Raises ValueError if the field is missing."""
    found = re.search(rf"^{field}:\s+(\d+) kB$", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"no {field} in a process's status")
    return int(found[1]) / 1024


def _status(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text("ascii")
