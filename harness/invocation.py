"""How this harness was started: the words that the user types again."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

SCRIPT = "harness"


def harness_words() -> tuple[str, ...]:
    """Return the words that start this harness as it was started: `harness`, or `python -m harness`.

    They are paths if the shell would find another program by that name.
    """
    called = Path(sys.argv[0]) if sys.argv else Path()
    if called.name == SCRIPT:
        found = shutil.which(SCRIPT)
        is_ours = found is not None and Path(found).resolve() == called.resolve()
        return (SCRIPT,) if is_ours else (_from_here(str(called)),)
    found = shutil.which("python")
    if found is not None and Path(found).parent.resolve() == Path(sys.executable).parent.resolve():
        return ("python", "-m", "harness")
    return (_from_here(sys.executable), "-m", "harness")


def harness_words_in(folder: Path) -> tuple[str, ...]:
    """Return the words that start this harness in another folder, where a path relative to this one leads elsewhere."""
    program, *rest = harness_words()
    if os.sep in program and folder.resolve() != Path.cwd():
        program = os.path.normpath(Path.cwd() / program)  # not resolved: an environment's Python is a link
    return program, *rest


def _from_here(path: str) -> str:
    """Return the path relative to the current folder if it is below."""
    here = os.path.relpath(path)
    if here.startswith(".."):
        return path
    return here if os.sep in here else f".{os.sep}{here}"
