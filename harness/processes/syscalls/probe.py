"""Tries whether this machine allows us to answer a process's system calls."""

from __future__ import annotations

import json

from harness.capability import Capability
from harness.errors import HarnessError
from harness.processes.bare import run_probe

NAME = "seccomp notification"


def notification_available() -> Capability:
    """Answer a real connect() of a throw-away child, and let another pass. Never raises."""
    try:
        status, said = run_probe("harness.processes.syscalls.trial")
        lines = said.splitlines()
        if status != 0 or not lines:
            return _no(f"the trial ended with status {status}: {said}")
        found = json.loads(lines[-1])
        return Capability(NAME, available=found["available"], detail=found["detail"], mend=found["mend"])
    except (HarnessError, OSError, ValueError) as error:
        return _no(str(error))


def _no(detail: str) -> Capability:
    return Capability(NAME, available=False, detail=detail, mend="run the harness where it may start processes")
