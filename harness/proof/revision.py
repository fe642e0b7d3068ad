"""Which commit is run, and whether the working tree differs from it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

DIRTY = "+dirty"
WITHIN_S = 20.0
BASELINE = "baseline.json"
"""Beside the scenarios: written from a run, it does not make that run's tree another one."""


def revision_of(scenarios: Path) -> str:
    """The commit that the folder of scenarios belongs to, with `+dirty` where anything differs from it.

    Empty where there is no git, or no repository.
    """
    head = _git(scenarios, "rev-parse", "--verify", "HEAD")
    if head is None:
        return ""
    return head.strip() + (DIRTY if uncommitted(scenarios) else "")


def uncommitted(scenarios: Path) -> Sequence[str]:
    """What differs from the commit, or is not in it: a line a path, as `git status --porcelain` has it.

    The baseline itself does not count; nor does what git ignores.
    """
    said = _git(scenarios, "status", "--porcelain", "--untracked-files=all", "--", ":/", f":(exclude){BASELINE}")
    return (said or "").splitlines()


def _git(folder: Path, *words: str) -> str | None:
    try:
        process = subprocess.run(  # noqa: S603  # fixed words, no shell; git is whichever the user has
            ["git", *words],  # noqa: S607  # as above
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None  # no git here: nothing is known of revisions
    return process.stdout if process.returncode == 0 else None
