"""A suite around a tiny service, written into a test's own folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.tiny.forking import forks

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
GATE_WITHIN_S = 300
"""Only bounds the wait: a gate of twenty drafts takes 38 s on a quiet machine, and took 90 s at a load of 20."""


def write_suite(folder: Path) -> Path:
    """Write service, target and scenarios below `folder`, and return it."""
    scenarios = folder / "scenarios"
    scenarios.mkdir()
    shutil.copy(HERE / "service.py", folder)
    shutil.copy(HERE / "target.toml", scenarios)
    shutil.copy(HERE / "suite.py", scenarios / "all_verdicts.py")
    return folder


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment, with this checkout importable; one scenario at a time, on one set of servers."""
    return {**os.environ, "PYTHONPATH": str(CHECKOUT), "HARNESS_JOBS": "1", **(more or {})}


def harness_command(*words: str) -> list[str]:
    return [sys.executable, "-m", "harness", *words]


def completed(
    command: Sequence[str], *, cwd: Path = CHECKOUT, env: Mapping[str, str] | None = None, within_s: int = GATE_WITHIN_S
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, its output in two pipes. `env`: `environment()` unless given."""
    env = environment() if env is None else env
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=within_s, check=False)


def run_harness(*words: str, cwd: Path, within_s: int = GATE_WITHIN_S) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end, in a fork: see `forking`."""
    return forks().run(words, cwd=cwd, env=environment(), within_s=within_s)
