"""System V shared memory that a killed PostgreSQL leaves behind.

PostgreSQL keeps one segment of 56 bytes, as a lock on its data directory, and removes it when it shuts down. After a
SIGKILL the segment outlives the processes, unlike everything else of the server.
"""

from __future__ import annotations

import ctypes
import logging
import os
from collections.abc import Iterator
from pathlib import Path

_log = logging.getLogger(__name__)

_SEGMENTS = Path("/proc/sysvipc/shm")
_IPC_RMID = 0
_PID_FILE_LINE = 6  # of postmaster.pid, from 0: key and id (PostgreSQL's miscadmin.h, LOCK_FILE_LINE_SHMEM_KEY)


def remove_leftover_segments(folder: Path) -> None:
    """Remove the segment of each data directory under `folder`, unless a process still uses it."""
    unused = set(_unused_segments())
    for pid_file in folder.glob("**/postmaster.pid"):
        key_and_id = _key_and_id(pid_file)
        if key_and_id in unused:
            _remove(key_and_id[1])


def _key_and_id(pid_file: Path) -> tuple[int, int]:
    lines = pid_file.read_text(encoding="utf-8", errors="replace").splitlines()
    try:
        key, segment = lines[_PID_FILE_LINE].split()
        return int(key), int(segment)
    except (IndexError, ValueError):  # the server was killed before it had a segment
        return -1, -1


def _unused_segments() -> Iterator[tuple[int, int]]:
    """Yield key and id of each segment that no process has attached (proc_sysvipc_shm(5))."""
    if not _SEGMENTS.exists():  # a kernel without System V memory: PostgreSQL could not have started
        return
    header, *lines = _SEGMENTS.read_text(encoding="ascii").splitlines()
    names = header.split()
    for line in lines:
        fields = dict(zip(names, map(int, line.split()), strict=False))
        if fields["nattch"] == 0:
            # /proc shows the key signed, PostgreSQL's file unsigned.
            yield fields["key"] % 2**32, fields["shmid"]


def _remove(segment: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.shmctl(segment, _IPC_RMID, None) != 0:
        _log.warning("shared memory segment %d is left behind: %s", segment, os.strerror(ctypes.get_errno()))
