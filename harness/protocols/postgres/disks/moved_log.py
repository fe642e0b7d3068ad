"""Moves PostgreSQL's log (WAL) to another disk while it runs, and back when it has ended."""

from __future__ import annotations

from pathlib import Path

from harness.processes.exchange import exchange

__all__ = ["MovedLog"]

_SEGMENT_DIGITS = 24


class MovedLog:
    """The folder `pg_wal`, which can be replaced by a folder elsewhere. New segments are created there, old ones stay.

    PostgreSQL keeps segments open, so they cannot be copied while it runs: the other folder contains links to them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept = folder.with_name("pg_wal_kept")
        self._moved_to: Path | None = None

    def move(self, to: Path) -> None:
        """Replace it in one step, so that the folder always exists."""
        to.mkdir(mode=0o700)
        for each in self._folder.iterdir():
            if each.is_dir():
                (to / each.name).mkdir(mode=0o700)
            else:
                (to / each.name).symlink_to(self._kept / each.name)
        self._kept.symlink_to(to)
        exchange(self._folder, self._kept)
        self._moved_to = to

    def forget_after(self, segment: str) -> None:
        """Use up segments that were created in advance, so that the log after this one needs a new segment."""
        if self._moved_to is None:
            return
        for each in self._moved_to.iterdir():
            if len(each.name) == _SEGMENT_DIGITS and each.is_symlink() and each.name > segment:
                each.unlink()

    def move_back(self) -> None:
        """Put the first folder back. Idempotent. Call it only when PostgreSQL has ended."""
        if self._moved_to is None:
            return
        self._folder.unlink()
        self._kept.rename(self._folder)
        self._moved_to = None
