"""Runs `harness wrap` as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.cli.main import main

WITHIN_S = 300
HARNESS = Path(__file__).parents[2]


@dataclass(frozen=True)
class Wrapping:
    """The verb in the test's own process, which has imported it, in a folder of the test's own."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    captured: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        self.monkeypatch.chdir(self.folder)
        for name, value in (env or {}).items():
            self.monkeypatch.setenv(name, value)
        self.captured.readouterr()
        status = main(["wrap", *arguments])
        said = self.captured.readouterr()
        return subprocess.CompletedProcess(arguments, status, said.out, said.err)


def wrap(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None, given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the verb as a process of its own."""
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
