"""Fresh data directories of initdb, kept in the user's cache, because a copy costs an eighth of another initdb.

Each has its superuser's password beside it; a server on a copy replaces that password. A directory is stored in the
cache as a whole or not at all. If a file is missing, the directory is made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.errors import HarnessError
from harness.stack.cache import cache_folder

__all__ = ["FreshData", "fresh_data"]

FOLDER: Final = "postgres-data"
KEPT: Final = 3
"""How many programs' directories are kept, the latest ones. Each has 40 MB."""
_UNDER_WAY: Final = "making-"
_AT_ONCE: Final = 1 << 30
_OURS: Final = (os.geteuid(), os.getegid())


@dataclass(frozen=True, slots=True)
class FreshData:
    """The place in the cache for the directory that one program makes with one list of options."""

    folder: Path

    def copy_to(self, data: Path, owner: tuple[int, int]) -> str | None:
        """Copy it to `data`, which does not exist, for its owner, and return its superuser's password.

        Return None and leave nothing at `data` if the cache has no such folder, or only a part of it, or if another
        harness has replaced it.
        """
        try:
            noted = self._note()
            # Each has a different password: the same note after the copy means that the whole copy is of one initdb.
            if copy_folder(self.folder / "data", data, owner) == noted["size"] and self._note() == noted:
                os.utime(self.folder)  # the most recently used is forgotten last
                return str(noted["password"])
        except (OSError, ValueError, KeyError, TypeError):
            pass  # none yet, or damaged, or no room for a copy: initdb says why
        shutil.rmtree(data, ignore_errors=True)
        return None

    def _note(self) -> Any:
        return json.loads((self.folder / "note.json").read_text("ascii"))

    def keep(self, data: Path, password: str) -> None:
        """Store a copy of the directory that initdb has just made at `data`.

        If that fails, the next start runs initdb, too.
        """
        scratch = self.folder.with_name(f"{_UNDER_WAY}{secrets.token_hex(4)}")
        with contextlib.suppress(OSError):
            try:
                scratch.mkdir(mode=0o700, parents=True)
                size = copy_folder(data, scratch / "data", _OURS)
                (scratch / "note.json").write_text(json.dumps({"size": size, "password": password}), "ascii")
                shutil.rmtree(self.folder, ignore_errors=True)
                scratch.rename(self.folder)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
            _forget_others(self.folder)


def fresh_data(programs: Sequence[Path], options: Sequence[str]) -> FreshData | None:
    """Return the place for these programs, in their present versions, and these options of initdb.

    None without a cache.
    """
    try:
        cache = cache_folder()
        seen = [(str(path.resolve()), path.stat().st_mtime_ns, path.stat().st_size) for path in programs]
    except (HarnessError, OSError):
        return None
    key = hashlib.sha256(json.dumps([seen, list(options)]).encode()).hexdigest()[:16]
    return FreshData(cache / FOLDER / key)


def copy_folder(source: Path, to: Path, owner: tuple[int, int]) -> int:
    """Copy a folder for its owner alone; return its size: the bytes of all files, and one for each file."""
    to.mkdir(mode=0o700)
    _give(to, owner)
    size = 0
    with os.scandir(source) as entries:
        for entry in entries:
            made = to / entry.name
            if entry.is_dir(follow_symlinks=False):
                size += copy_folder(Path(entry.path), made, owner)
            else:
                size += 1 + _copy_file(entry.path, made)
                _give(made, owner)
    return size


def _copy_file(source: str, to: Path) -> int:
    made = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    copied = 0
    try:
        with open(source, "rb", buffering=0) as file:  # noqa: PTH123 - a thousand of them
            while sent := os.sendfile(made, file.fileno(), copied, _AT_ONCE):
                copied += sent
    finally:
        os.close(made)
    return copied


def _give(path: Path, owner: tuple[int, int]) -> None:
    if owner[0] != _OURS[0]:
        os.chown(path, *owner)


def _forget_others(latest: Path) -> None:
    """Remove the oldest ones beyond the limit, and incomplete ones of killed runs."""
    others = [path for path in latest.parent.iterdir() if path != latest]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in others[KEPT - 1 :]:
        shutil.rmtree(path, ignore_errors=True)
