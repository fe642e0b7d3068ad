"""Python, the kernel, and the folders that the harness writes to."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path

from harness.doctor.report import Finding
from harness.errors import HarnessError
from harness.stack.cache import VARIABLE, cache_candidates, unusable
from harness.stack.folders import base_folder

PYTHON_MIN = (3, 11)
TEMPORARY_MB_MIN = 500  # a run's PostgreSQL takes 60 MB; scenarios run side by side
CACHE_MB_MIN = 700  # a build with Go from its wheel takes 510 MB for half a minute
PTRACE_DESCENDANTS = 1

PTRACE_SCOPE = Path("/proc/sys/kernel/yama/ptrace_scope")


def python() -> Finding:
    """The interpreter's version and path."""
    detail = f"{platform.python_implementation()} {platform.python_version()}, {sys.executable}"
    wanted = ".".join(map(str, PYTHON_MIN))
    return Finding("Python", sys.version_info[:2] >= PYTHON_MIN, detail, f"use Python {wanted} or later", required=True)


def system() -> Finding:
    """The kernel's name, release and machine."""
    detail = (
        f"{platform.system()} {platform.release()}, {platform.machine()}, {os.cpu_count()} cores, uid {os.getuid()}"
    )
    mend = "run it on Linux: the faults are made with the Linux kernel's means"
    return Finding("platform", sys.platform == "linux", detail, mend, required=True)


def temporary_folder() -> Finding:
    """Space for data directories."""
    name, mend = "temporary folder", f"free {TEMPORARY_MB_MIN} MB there, or set HARNESS_TMP to a roomier folder"
    try:
        folder = base_folder()
    except HarnessError as problem:
        return Finding(name, ok=False, detail=problem.message, mend=problem.hint or mend, required=True)
    free_mb = shutil.disk_usage(folder).free // 1_000_000
    detail = f"{folder}, {free_mb} MB free"
    return Finding(name, free_mb >= TEMPORARY_MB_MIN, detail, mend, required=True)


def cache() -> Finding:
    """Check the folder for built programs, and the space for a build."""
    refused = []
    for folder in cache_candidates():
        present = next(each for each in (folder, *folder.parents) if each.exists())
        problem = unusable(folder) if present == folder else "" if os.access(present, os.W_OK) else "cannot be made"
        if not problem:
            free_mb = shutil.disk_usage(present).free // 1_000_000
            mend = f"free {CACHE_MB_MIN} MB there, or set {VARIABLE} to a roomier folder"
            return Finding("cache folder", free_mb >= CACHE_MB_MIN, f"{folder}, {free_mb} MB free", mend)
        refused.append(f"{folder}: {problem}")
    mend = f"set {VARIABLE} to a folder that you own and may write to"
    return Finding("cache folder", ok=False, detail="; ".join(refused), mend=mend)


def ptrace_scope() -> Finding:
    """Whether Yama lets a process look into its own children, as the seccomp supervisor must."""
    try:
        scope = int(PTRACE_SCOPE.read_text(encoding="ascii"))
    except FileNotFoundError:
        return Finding("ptrace scope", ok=True, detail="no Yama in this kernel")
    ok = scope <= PTRACE_DESCENDANTS or (scope == PTRACE_DESCENDANTS + 1 and os.geteuid() == 0)
    return Finding("ptrace scope", ok, str(scope), "sysctl kernel.yama.ptrace_scope=1")
