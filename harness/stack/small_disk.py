"""A small file system for one server, which can be filled and freed: a tmpfs that needs no root."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import Final

from harness.closing import Closing
from harness.errors import HarnessError
from harness.processes.keeper import Keeper, KeptProcess, ProcessSpec
from harness.processes.small_disk import READY, small_disk_command
from harness.stack.servers.readiness import EndedError, NotReadyError, wait_ready

__all__ = ["SmallDisk"]

READY_WITHIN_S: Final = 20.0
_BALLAST: Final = "ballast"
_BLOCK: Final = bytes(4096)
"""The unit in which a tmpfs gives out its space."""


class SmallDisk(Closing):
    """A file system of this many bytes for a server. Its `folder` is a path that the server can use.

    It is removed with its contents when it is closed, or when the harness ends.
    """

    def __init__(self, process: KeptProcess, mounted_on: Path) -> None:
        self._process = process
        self.folder = Path(f"/proc/{process.pid}/root{mounted_on}")

    @classmethod
    def beside(cls, server: KeptProcess, keeper: Keeper, folder: Path, size_bytes: int) -> SmallDisk:
        """Mount it for that server's process. `folder`: exists, is empty, and keeps its log, too.

        Raises HarnessError with the reason if this machine does not allow it.
        """
        mounted_on = folder / "mounted"
        mounted_on.mkdir()
        command = small_disk_command(server.pid, mounted_on, size_bytes)
        spec = ProcessSpec(name="small disk", argv=command, env={}, cwd=folder, log=folder / "log")
        process = keeper.spawn(spec)
        ended = threading.Event()
        leave = process.on_exit(lambda _status: ended.set())
        try:
            wait_ready(lambda: _is_mounted(process), ended=ended, deadline_s=READY_WITHIN_S)
        except (EndedError, TimeoutError) as problem:
            process.stop()
            hint = "it needs user namespaces; `harness doctor` says whether they are open"
            raise HarnessError(f"no small disk could be mounted: {process.log.tail()}", hint=hint) from problem
        finally:
            leave()
        return cls(process, mounted_on)

    def fill(self) -> None:
        """Use up all space that is left."""
        with (self.folder / _BALLAST).open("ab", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(_BLOCK)
            except OSError as full:
                if full.errno != errno.ENOSPC:
                    raise

    def free(self) -> None:
        """Free the space that `fill` used up. Idempotent."""
        (self.folder / _BALLAST).unlink(missing_ok=True)

    @property
    def left_bytes(self) -> int:
        """How much space is left."""
        seen = os.statvfs(self.folder)
        return seen.f_bavail * seen.f_frsize

    def close(self) -> None:
        """Unmount it. Idempotent."""
        self._process.stop()


def _is_mounted(process: KeptProcess) -> None:
    if READY not in process.log.read(0):
        raise NotReadyError("it has not said that it is mounted")
