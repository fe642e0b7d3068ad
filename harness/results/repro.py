"""The line that repeats a run: it must work when it is pasted into the shell that the run came from."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.results.result import RunKey


def harness_words() -> tuple[str, ...]:
    """The words that start this harness: `python -m harness` where `python` is this interpreter."""
    found = shutil.which("python")
    if found is not None and Path(found).parent.resolve() == Path(sys.executable).parent.resolve():
        return ("python", "-m", "harness")
    here = os.path.relpath(sys.executable)
    return (sys.executable if here.startswith("..") else here, "-m", "harness")


def gate_line(key: RunKey, seed: int, options: Sequence[str] = ()) -> str:
    """The line that runs one scenario as `key` says. `options` are added to it."""
    off = [word for name in key.without for word in ("--without", name)]
    return shlex.join([*harness_words(), "gate", key.id, "--profile", key.profile, *off, "--seed", str(seed), *options])
