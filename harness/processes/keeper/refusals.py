"""Explains why a process could not be started, and how to fix it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from harness.errors import HarnessError
from harness.processes.keeper.kept import KeptProcess
from harness.processes.keeper.messages import Refused
from harness.processes.keeper.spec import ProcessSpec

PRELOADED_TAIL_LINES = 12


def spawn_error(spec: ProcessSpec, refused: Refused, forked_by: KeptProcess | None = None) -> HarnessError:
    """Return the error for a start that failed in one of its steps. `forked_by`: the process that was to fork it."""
    if forked_by is not None and refused.step == "preloaded":
        said = forked_by.log.tail(PRELOADED_TAIL_LINES)
        return HarnessError(
            f"{spec.name}: {forked_by.name} cannot fork it: {refused.detail}; it said:\n{said}",
            hint="fix the import that failed, or remove it from the target's `preload`",
        )
    number = f" ({errno.errorcode[refused.errno]})" if refused.errno in errno.errorcode else ""
    why = f"{os.strerror(refused.errno)}{number}" if refused.errno else refused.detail
    program = spec.argv[0]
    match refused.step:
        case "exec":
            return HarnessError(f"{spec.name}: cannot run {program!r}: {why}", hint=_exec_hint(spec, refused.errno))
        case "log":
            return HarnessError(
                f"{spec.name}: cannot write its log {str(spec.log)!r}: {why}",
                hint="give it a path in an existing folder that may be written",
            )
        case "cwd":
            return HarnessError(
                f"{spec.name}: cannot run in {str(spec.cwd)!r}: {why}", hint="give it an existing folder to run in"
            )
        case "filter":
            return HarnessError(
                f"{spec.name}: its system calls cannot be watched: {why}",
                hint="`harness doctor` reports what this machine lacks (seccomp user notification, Linux 5.8 or later)",
            )
        case step:
            return HarnessError(f"{spec.name}: cannot start {program!r}: step {step!r}: {refused.detail}", hint="")


def _exec_hint(spec: ProcessSpec, number: int) -> str:
    match number:
        case errno.ENOENT:
            return _missing_hint(spec)
        case errno.EACCES:
            return "allow it to be executed (chmod +x), and every folder of its path to be entered"
        case errno.ENOEXEC:
            return "it is no program for this machine, or a script without a `#!` line"
        case errno.E2BIG:
            return "its arguments and environment are too long together"
        case _:
            return "try it by hand, with the same environment"


def _missing_hint(spec: ProcessSpec) -> str:
    program = spec.argv[0]
    if "/" not in program:
        return f"install it, or write its path: it is not on PATH={spec.env.get('PATH', os.defpath)}"
    if (Path(spec.cwd) / program).exists():
        return "the file is there: its interpreter (the `#!` line's, or the dynamic loader) is not"
    return "check the path"
