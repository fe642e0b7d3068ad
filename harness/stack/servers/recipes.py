"""The common base of the servers' recipes: see `ServerProcess`."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from harness.processes.keeper import ProcessSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramRecipe:
    """A program that runs in the server's folder and that SIGTERM stops. A subclass adds `spec` and `probe`."""

    name: str
    folder: Path
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    immediate_signal: signal.Signals = signal.SIGKILL

    def program(self, *argv: str, locale: str = "C") -> ProcessSpec:
        """Return how to start it with these arguments."""
        env = {"LC_ALL": locale, "TZ": "UTC", "PATH": os.defpath}
        return ProcessSpec(name=self.name, argv=argv, env=env, cwd=self.folder, log=self.log)
