"""Finds the loaded modules that a user wrote. They may change while a process that keeps the others lives.

Only the standard library: a preloaded Python has this, too.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Collection
from pathlib import Path
from types import ModuleType

PYTHON = tuple(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib"))
HARNESS = Path(__file__).resolve().parent
INSTALLED = {"site-packages", "dist-packages"}
"""Folders of libraries: pip's and the Linux distributions'."""


def users_modules() -> Collection[str]:
    """The names of all loaded modules except Python's, the libraries', the harness's and the program itself."""
    return {name for name, module in list(sys.modules.items()) if name != "__main__" and is_a_users(module)}


def is_a_users(module: ModuleType) -> bool:
    """Whether the module, or a part of its package, is outside the folders of libraries, Python and the harness."""
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
    return any(not _is_a_library(Path(place).resolve()) for place in places if isinstance(place, str))


def _is_a_library(file: Path) -> bool:
    return any(file.is_relative_to(folder) for folder in (*PYTHON, HARNESS)) or not INSTALLED.isdisjoint(file.parts)
