"""The folder for what the harness has built: one per user."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import platformdirs

from harness.errors import HarnessError

NAME = "webhook-resilience-harness"
VARIABLE = "HARNESS_CACHE_DIR"


def cache_candidates() -> list[Path]:
    """Return folders that may be used, the preferred one first. None is created here.

    `$HARNESS_CACHE_DIR` if set. Otherwise the user's cache folder (XDG_CACHE_HOME, ~/.cache) and, for a user whose home
    does not exist or is not writable, that user's folder in the temporary folder.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return [Path(named).absolute()]
    shared = Path(tempfile.gettempdir(), f"{NAME}-{os.getuid()}")
    return [Path(platformdirs.user_cache_dir(NAME)), shared]


def cache_folder() -> Path:
    """Create the cache folder, and return it. Raises HarnessError if there is none that can be used.

    Programs in it are run, so it must be ours: a folder that others own or may write to is refused.
    """
    refused: list[str] = []
    for folder in cache_candidates():
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            refused.append(f"{folder}: {error.strerror}")
            continue
        problem = unusable(folder)
        if not problem:
            return folder
        refused.append(f"{folder}: {problem}")
    hint = f"set {VARIABLE} to a folder that you own and may write to"
    raise HarnessError(f"no folder to keep built programs in: {'; '.join(refused)}", hint=hint)


def unusable(folder: Path) -> str:
    """Return why an existing folder cannot be used; empty if it can."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) and not folder.is_dir():
        return "not a folder"
    status = folder.stat()
    if status.st_uid != os.getuid():
        return f"owned by uid {status.st_uid}"
    if status.st_mode & stat.S_IWOTH:
        return "every user may write to it"
    if not os.access(folder, os.W_OK | os.X_OK):
        return "may not be written to"
    return ""
