"""Where results go: one folder per run, `latest` beside it, old ones removed.

Each folder has a lock file, which the run holds until it has written everything. The kernel releases the lock however
the run dies. So a folder whose lock is free belongs to no running process.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import UsageError
from harness.results.files import link_atomically

KEPT_RUNS = 20
"""How many result folders to keep, counted separately for `harness run` and for all other commands, including the new
run."""
FILE = "summary.json"
LATEST = "latest"
LOCK = ".lock"
IGNORED = "# Results are made again by every run.\n*\n"
"""The `.gitignore` of a folder of results: it excludes everything, itself included."""
RUN_NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")
HEAD_CHARACTERS = 64_000
"""How much of a summary is read to find its verb, which stands before the long lists."""


@dataclass(frozen=True, slots=True)
class ResultsFolder:
    """The folder of one run: its summary and reports, histories, schedules, sources and logs.

    `path` is absolute. No other run removes it while its run uses it.
    """

    path: Path
    _locks: list[int] = field(default_factory=list, repr=False, compare=False)
    """The descriptor of the lock, while it is held."""

    def release(self) -> None:
        """Mark the run as over. Safe to call again."""
        while self._locks:
            os.close(self._locks.pop())

    @property
    def id(self) -> str:
        """The run's name: when it began (UTC), so that names sort, and six random digits."""
        return self.path.name

    @property
    def shown(self) -> str:
        """Return its path for a reader: relative to the current folder if it is below."""
        here = Path.cwd()
        return str(self.path.relative_to(here) if self.path.is_relative_to(here) else self.path)

    @property
    def summary(self) -> Path:
        """The path of the summary."""
        return self.path / FILE

    @property
    def junit(self) -> Path:
        """The path of the JUnit report."""
        return self.path / "junit.xml"

    @property
    def ctrf(self) -> Path:
        """The path of the report in the Common Test Report Format."""
        return self.path / "ctrf.json"

    @property
    def logs(self) -> Path:
        """The folder for the logs of servers and services."""
        return self.path / "logs"

    def relative(self, file: Path | None) -> str | None:
        """Name a file of this run relative to its folder."""
        return None if file is None else file.relative_to(self.path).as_posix()


def new_results_folder(base: Path, *, now: dt.datetime | None = None) -> ResultsFolder:
    """Make a run's folder in `base`, point `latest` at it, and remove all but the newest runs.

    The caller holds its lock until `release`. Raises UsageError if `base` is no writable folder.
    """
    stamp = (now or dt.datetime.now(dt.UTC)).strftime("%Y%m%dT%H%M%SZ")
    path = base.absolute() / f"{stamp}-{secrets.token_hex(3)}"
    is_new = not base.exists()
    try:
        path.mkdir(parents=True)
        if is_new:
            (base / ".gitignore").write_text(IGNORED, "utf-8")
        (path / LOCK).touch()
        lock = _taken(path)
        link_atomically(base / LATEST, path.name)
    except OSError as problem:
        raise UsageError.at(
            "--results", "folder", str(base), f"cannot be written to: {problem}", mend="name a folder of your own"
        ) from problem
    remove_old_runs(base)
    return ResultsFolder(path, [] if lock is None else [lock])


def remove_old_runs(base: Path, keep: int = KEPT_RUNS) -> Sequence[Path]:
    """Remove all runs in `base` except the newest and those under way. Return what was removed.

    Runs of `harness run` are counted separately, so that dozens of them do not push out a gate or a sweep. Folders with
    other names stay.
    """
    runs = sorted(path for path in base.iterdir() if RUN_NAME.fullmatch(path.name) and path.is_dir())
    quick = {path for path in runs if made_by_run(path)} if len(runs) > keep else set()
    old = [*sorted(quick)[:-keep], *[path for path in runs if path not in quick][:-keep]]
    removed: list[Path] = []
    for path in old:
        lock = _taken(path)
        if lock is None and (path / LOCK).exists():
            continue
        try:
            shutil.rmtree(path)
            removed.append(path)
        except FileNotFoundError:
            continue  # another run is removing it too
        finally:
            if lock is not None:
                os.close(lock)
    return removed


def made_by_run(folder: Path) -> bool:
    """Whether the verb `run` made a run's folder: some scenarios that somebody is working on."""
    try:
        with (folder / FILE).open(encoding="utf-8") as file:
            head = file.read(HEAD_CHARACTERS)
        begin = head.index('"run": ') + len('"run": ')
        run, _ = json.JSONDecoder().raw_decode(head, begin)
        return is_quick(run.get("verb", ""))
    except (OSError, ValueError, AttributeError, RecursionError):
        return False  # no summary yet, or one that cannot be read: kept as long as a gate


def is_quick(verb: str) -> bool:
    """Whether the verb is `run`: some scenarios that somebody is working on."""
    return verb == "run"


def _taken(path: Path) -> int | None:
    """Return a descriptor that holds the run's lock; None if the run still holds it, or has no lock."""
    try:
        descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
