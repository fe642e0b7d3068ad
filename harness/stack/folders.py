"""Private folders of a run. They are removed at its end, or when the next run starts.

Each folder has a lock file beside it. The run holds the lock while it lives. The kernel releases the lock however the
run dies. So a folder whose lock is free is unused.
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from harness.errors import HarnessError
from harness.protocols.contract.about import ABOUT
from harness.protocols.registry import PROTOCOLS
from harness.stack.servers.readiness import NotReadyError, wait_ready

_log = logging.getLogger(__name__)

_PREFIX = "harness-"
_LOCK = ".lock"
_ATTEMPTS = 10
REMOVAL_DEADLINE_S = 5.0
_SOCKET_PATH_MAX = 107  # bytes of sockaddr_un.sun_path, less its end (unix(7))
_ROOM_FOR_NAMES = 40  # below the folder: sub-folder and socket
MEMORY = Path("/dev/shm")  # noqa: S108 - the folder made in it is private, as everywhere
MEMORY_FREE_MIN = 2 << 30


@contextmanager
def private_folder() -> Iterator[Path]:
    """Create a folder that only this user may enter. Remove it at the end, with the folders of dead runs.

    It is in $HARNESS_TMP. Without that it is in memory (/dev/shm), if 2 GiB are free and TMPDIR is not set, or else in
    the system's temporary folder, under a short name. In memory a database is copied in 7 to 22 ms; on a slow disk it
    takes up to half a second, with fsync off. Raises HarnessError for a folder that is not writable, or whose path is
    too long for Unix sockets.
    """
    base = base_folder()
    remove_stale_folders(base)
    with _locked_name(base) as folder:
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            _remove_own(folder)


def remove_stale_folders(base: Path) -> list[Path]:
    """Remove the folders in `base` whose runs are dead, and return them. Safe beside other runs."""
    removed = []
    for lock in sorted(base.glob(f"{_PREFIX}*{_LOCK}")):
        descriptor = _take(lock)
        if descriptor is None:
            continue
        try:
            folder = lock.with_suffix("")
            _remove(folder)
            lock.unlink()
            removed.append(folder)
        except OSError as error:  # not ours to lose a run over: the next run tries again
            _log.warning("%s is left behind: %s", lock.with_suffix(""), error)
        finally:
            os.close(descriptor)
    return removed


def _roomy_memory() -> Path | None:
    """Enough memory for many stacks. Containers often have only 64 MB there."""
    if os.environ.get("TMPDIR") or not os.access(MEMORY, os.W_OK | os.X_OK) or not MEMORY.is_dir():
        return None
    return MEMORY if free_bytes(MEMORY) >= MEMORY_FREE_MIN else None


def free_bytes(folder: Path) -> int:
    """Return how many bytes a file in memory can still take: the file system allows them, and the machine has them."""
    room = os.statvfs(folder)
    return min(room.f_bavail * room.f_frsize, psutil.virtual_memory().available)


def base_folder() -> Path:
    """Return the folder in which private folders are made. Raises HarnessError for an unusable one."""
    named = os.environ.get("HARNESS_TMP")
    base = Path(named or _roomy_memory() or tempfile.gettempdir()).absolute()
    origin = "HARNESS_TMP" if named else "the folder for temporary files"
    if not base.is_dir() or not os.access(base, os.W_OK | os.X_OK):
        raise HarnessError(
            f"{origin}, {base}, is not a folder in which this user can write", hint="set HARNESS_TMP to one"
        )
    if len(os.fsencode(base)) + len(_PREFIX) + 8 + _ROOM_FOR_NAMES > _SOCKET_PATH_MAX:
        raise HarnessError(f"{origin}, {base}, is too long for Unix sockets", hint="set HARNESS_TMP to a shorter path")
    return base


@contextmanager
def _locked_name(base: Path) -> Iterator[Path]:
    """Return a new name in `base` whose lock this process holds. The lock is made before the folder."""
    for _ in range(_ATTEMPTS):
        lock = base / f"{_PREFIX}{secrets.token_hex(4)}{_LOCK}"
        try:
            lock.touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            continue
        descriptor = _take(lock)  # None: another run's clean-up was quicker
        if descriptor is not None:
            break
    else:
        raise HarnessError(f"no free name for a folder in {base}", hint="set HARNESS_TMP to another folder")
    folder = lock.with_suffix("")
    try:
        yield folder
    finally:
        if not os.path.lexists(folder):  # otherwise the lock tells the next run what to remove
            lock.unlink()
        os.close(descriptor)


def _take(lock: Path) -> int | None:
    """Return a descriptor that holds the lock; None if it is held, gone, or another user's."""
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        _log.debug("%s is not ours to take: %s", lock, error)
        return None
    if _is_ours(descriptor) and _flock(descriptor) and _is_still(lock, descriptor):
        return descriptor
    os.close(descriptor)
    return None


def _flock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:  # a living run holds it
        return False
    return True


def _is_ours(descriptor: int) -> bool:
    return os.fstat(descriptor).st_uid == os.geteuid()


def _is_still(lock: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(lock.lstat(), os.fstat(descriptor))
    except FileNotFoundError:  # another run's clean-up was quicker
        return False


def _remove_own(folder: Path) -> None:
    try:
        _remove(folder)
    except OSError as error:
        raise HarnessError(
            f"{folder} cannot be removed: {error}",
            hint="find the process that still uses it: grep -l harness- /proc/*/cmdline; the next run removes it",
        ) from error


def _remove(folder: Path) -> None:
    """Remove the folder. Dying servers may still add files: retry until the deadline, then raise OSError."""
    if not os.path.lexists(folder):
        return

    def attempt() -> None:
        try:
            for protocol in PROTOCOLS:
                ABOUT.of(protocol).remove_leftovers(folder)
            shutil.rmtree(folder)
        except FileNotFoundError as error:
            if os.path.lexists(folder):
                raise NotReadyError(str(error)) from error
        except OSError as error:
            raise NotReadyError(str(error)) from error

    wait_ready(attempt, ended=threading.Event(), deadline_s=REMOVAL_DEADLINE_S, interval_s=0.05)
