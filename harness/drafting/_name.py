"""Checks the name of a new scenario."""

from __future__ import annotations

import importlib.util
import keyword
import re
from collections.abc import Collection
from pathlib import Path

from harness.errors import UsageError
from harness.plugin.ids import LONGEST_ID

PLACE = "command line"
KEY = "NAME"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_OTHER = re.compile(r"[^a-z0-9]+")


def check_name(name: str, folder: Path, known: Collection[str]) -> Path:
    """Return the file for a scenario of this name. `known`: the names of existing scenarios.

    Raises UsageError for a name that is no lower-case Python identifier, for a name or a file that is taken, and for a
    file that would hide a module of the same name.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        mend = f"write {_nearest(name)}"
        raise UsageError.at(PLACE, KEY, name, "not a Python name of a-z 0-9 _", mend=mend)
    if name.startswith("test_"):
        mend = f"write {name.removeprefix('test_') or 'another'}"
        raise UsageError.at(PLACE, KEY, name, "a scenario's id has no test_ in front", mend=mend)
    if len(name) > LONGEST_ID:
        raise UsageError.at(PLACE, KEY, name, f"longer than {LONGEST_ID} characters", mend="write a shorter one")
    if name in known:
        raise UsageError.at(PLACE, KEY, name, "a scenario has this name already", mend=f"write {_free(name, known)}")
    file = folder / f"{name}.py"
    if file.exists():
        raise UsageError.at(PLACE, KEY, name, f"{file} exists already", mend=f"write {_free(name, _stems(folder))}")
    if not (folder / "__init__.py").exists() and importlib.util.find_spec(name) is not None:
        # pytest puts such a folder before all others, so its files are found first.
        problem = f"{file} would stand in for the module {name}"
        raise UsageError.at(PLACE, KEY, name, problem, mend=f"write {name}_fails, say")
    return file


def check_free(ids: Collection[str], known: Collection[str]) -> None:
    """Raise an error if one of the scenarios exists already. Raises UsageError with the first."""
    for taken in sorted(set(ids) & set(known)):
        mend = "rename it, or go on with the file that has it"
        raise UsageError.at(PLACE, "--suite", taken, "a scenario has this name already", mend=mend)


def _nearest(name: str) -> str:
    """The most similar valid name."""
    plain = _OTHER.sub("_", name.lower()).strip("_").removeprefix("test_")
    if not plain:
        return "redis_goes_away, say"
    return f"scenario_{plain}" if not plain[0].isalpha() or keyword.iskeyword(plain) else plain


def _free(name: str, taken: Collection[str]) -> str:
    return next(f"{name}_{number}" for number in range(2, len(taken) + 3) if f"{name}_{number}" not in taken)


def _stems(folder: Path) -> Collection[str]:
    return {path.stem for path in folder.glob("*.py")}
