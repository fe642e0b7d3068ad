"""Exchanges two paths in one step."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_AT_FDCWD = -100  # fcntl.h
_RENAME_EXCHANGE = 2  # linux/fs.h
_LIBC = ctypes.CDLL(None, use_errno=True)


def exchange(one: Path, other: Path) -> None:
    """Let each have the other's name (man 2 renameat2). Raises OSError."""
    first, second = os.fsencode(one), os.fsencode(other)
    if _LIBC.renameat2(_AT_FDCWD, first, _AT_FDCWD, second, ctypes.c_uint(_RENAME_EXCHANGE)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(one))
