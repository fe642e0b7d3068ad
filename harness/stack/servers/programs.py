"""Finds the servers' programs, in installed wheels or where the user says. The protocols' `find` share this.

From a wheel that contains a server, only the folder of programs is used. Its Python helper is never imported.
"""

from __future__ import annotations

import importlib.util
import os
import stat
import subprocess
from pathlib import Path

from harness.errors import HarnessError, UsageError, closest
from harness.stack.servers.urls import PLACE

_VERSION_DEADLINE_S = 20.0


def wheel_folder(distribution: str, package: str) -> Path:
    """Find an installed package's folder without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise HarnessError(
            f"the package {distribution} is not installed",
            hint=f"pip install {distribution}, or name programs of your own in the stack configuration",
        )
    return Path(next(iter(spec.submodule_search_locations)))


def mend_mode(program: Path) -> None:
    """Give a wheel's program the executable bit that some installers drop."""
    if os.access(program, os.X_OK):
        return
    try:
        program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    except OSError as error:
        raise HarnessError(
            f"{program} cannot be executed by this user: {error.strerror}",
            hint="reinstall its package where this user can read and execute it",
        ) from error


def check_folder(folder: Path, key: str, programs: tuple[str, ...]) -> None:
    """Raise UsageError, naming `key`, for a folder that cannot be read or lacks one of these programs."""
    try:
        names = {entry.name for entry in folder.iterdir()}
    except OSError as error:
        raise UsageError.at(
            PLACE, key, str(folder), error.strerror or "cannot be read", mend=_mend_for(folder, "folder")
        ) from error
    for program in programs:
        if program not in names:
            mend = f"name the folder that holds {' and '.join(programs)} (pg_config --bindir prints it)"
            raise UsageError.at(PLACE, key, str(folder), f"it does not contain {program}", mend=mend)
        check_program(folder / program, key)


def check_program(path: Path, key: str) -> None:
    """Raise UsageError, naming `key`, for a path that is not a program this user may execute."""
    try:
        is_file = stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        raise UsageError.at(
            PLACE, key, str(path), error.strerror or "cannot be read", mend=_mend_for(path, "program")
        ) from error
    if not is_file:
        raise UsageError.at(PLACE, key, str(path), "it is not a file", mend="name the program itself")
    if not os.access(path, os.X_OK):
        raise UsageError.at(PLACE, key, str(path), "this user may not execute it", mend=f"chmod +x {path}")


def _mend_for(path: Path, what: str) -> str:
    """Name the nearest thing that does exist."""
    try:
        neighbours = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return f"name a {what} that exists and that this user may read, an URL, or 'embedded'"
    near = closest(path.name, neighbours)
    return f"closest: {path.parent / near}" if near else f"name a {what} that exists, an URL, or 'embedded'"


def version_banner(program: Path) -> str:
    """Return what `program --version` prints. Raises HarnessError when it does not run here."""
    try:
        done = subprocess.run(  # noqa: S603 - a checked path and a fixed option, no shell
            [program, "--version"],
            env={"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_VERSION_DEADLINE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HarnessError(
            f"{program} --version: {error}", hint="name a program that was built for this machine"
        ) from error
    text = done.stdout.decode(errors="replace").strip()
    if done.returncode != 0:
        raise HarnessError(
            f"{program} --version: exit status {done.returncode}: {text}",
            hint="install the missing libraries (ldd shows them), or name another program",
        )
    return text


def another_program(key: str, path: Path, expected: str, banner: str) -> UsageError:
    """Return the error for a program whose `--version` shows that it is not the expected one."""
    return UsageError.at(
        PLACE,
        key,
        str(path),
        f"it says {banner[:200]!r}, which is not a version of {expected}",
        mend=f"name a {expected}",
    )
