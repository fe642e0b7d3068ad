"""Runs `harness wrap` as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

WITHIN_S = 300
HARNESS = Path(__file__).parents[2]


def wrap(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None, given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the verb with these arguments."""
    command = [sys.executable, "-m", "harness", "wrap", *arguments]
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(HARNESS), **(env or {})},
        input=given,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )


def python(program: str) -> Sequence[str]:
    """Run this text with this Python."""
    return [sys.executable, "-c", program]
