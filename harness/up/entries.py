"""The running stacks of this user: each has a socket, and a file beside it that describes it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import socket
import stat
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from harness.errors import HarnessError

NAME = "webhook-resilience-harness"
PACKAGE = Path(__file__).resolve().parents[1]
"""The harness itself: caller and server must run the same code."""
SOURCES = (".py", ".j2", ".css", ".js", ".txt", ".toml")
"""Suffixes of the harness's own files. Temporary files of an editor do not count as a change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A running stack. `target` and `directory` (where `up` was called) are absolute paths.

    `pid` is that of `harness up`. `python` and `package` are the interpreter and the harness that it runs. `sources` is
    `sources_of(package)` from when it began.
    """

    target: str
    directory: str
    pid: int
    python: str
    package: str
    sources: str

    def __str__(self) -> str:
        """Describe it for a message."""
        return f"{self.target} (pid {self.pid}, in {self.directory})"

    @property
    def socket(self) -> Path:
        """The path of its socket."""
        return self._beside(".sock")

    @property
    def file(self) -> Path:
        """The path of this description."""
        return self._beside(".json")

    @property
    def lock(self) -> Path:
        """The lock that `up` holds as long as it lives: one stack for each target."""
        return self._beside(".lock")

    def _beside(self, suffix: str) -> Path:
        return quick_folder() / f"{hashlib.sha256(self.target.encode()).hexdigest()[:16]}{suffix}"

    def text(self) -> str:
        """The file's text, in JSON."""
        return json.dumps(dataclasses.asdict(self), indent=1)


def sources_of(package: Path) -> str:
    """Return a digest of the last change and the size of each file of the package."""
    state = hashlib.sha256()
    for folder, folders, files in os.walk(package):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(files):
            if name.endswith(SOURCES) and not name.startswith("."):
                status = os.stat(os.path.join(folder, name))  # noqa: PTH116, PTH118  # hundreds of files, at each run
                state.update(f"{folder}/{name} {status.st_mtime_ns} {status.st_size}\n".encode())
    return state.hexdigest()


def quick_folder() -> Path:
    """Make the folder, which only this user may enter, and return it. Raises HarnessError."""
    hint = "set XDG_RUNTIME_DIR to a folder of your own, of mode 0700"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # without a login there is no XDG_RUNTIME_DIR: it uses another folder
            folder = platformdirs.user_runtime_path(NAME, ensure_exists=True)
        status = folder.lstat()
    except OSError as problem:
        raise HarnessError(f"no folder for the sockets of stacks: {problem}", hint=hint) from problem
    mode = stat.S_IMODE(status.st_mode)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or mode & 0o077:
        raise HarnessError(f"{folder} is not this user's alone: uid {status.st_uid}, mode {mode:04o}", hint=hint)
    return folder


def entries() -> Iterator[Entry]:
    """Yield each stack that answers. Remove the files of stacks whose `up` has ended. Raises HarnessError."""
    for file in sorted(quick_folder().glob("*.json")):
        try:
            entry = Entry(**json.loads(file.read_text("utf-8")))
        except FileNotFoundError:
            continue  # it has just ended
        except (OSError, ValueError, TypeError) as problem:
            raise HarnessError(f"{file} cannot be read: {problem}", hint="remove it") from problem
        if _answers(entry):
            yield entry
        else:
            _forget(entry)


def _answers(entry: Entry) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(entry.socket))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
    return True


def _forget(entry: Entry) -> None:
    """Remove a killed `up`'s files, unless another one for the same target has just begun."""
    from filelock import FileLock, Timeout  # noqa: PLC0415  # hardly ever needed, and this must start fast

    try:
        with FileLock(entry.lock, timeout=0):
            entry.file.unlink(missing_ok=True)
            entry.socket.unlink(missing_ok=True)
    except Timeout:
        return
