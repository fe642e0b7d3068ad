"""Copies the demo into a folder of the user, who can fix it there."""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.demo._folder import FILES, FOLDER
from harness.errors import HarnessError, UsageError


def copy_to(folder: Path) -> None:
    """Copy service, target and scenarios into `folder`, which must not exist.

    Raises:
        UsageError: there is something of this name.
        HarnessError: it cannot be written.
    """
    if folder.exists():
        raise UsageError.at("--copy", "folder", str(folder), "exists already", mend="name a folder that does not exist")
    try:
        for name in FILES:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(FOLDER / name, folder / name)
    except OSError as problem:
        raise HarnessError(
            f"{folder}: {problem}", hint="does the folder belong to another user, or is the disk full?"
        ) from problem
