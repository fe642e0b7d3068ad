"""Servers that keep running from one run to the next."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from harness.closing import Closing
from harness.engine.laying.links import proxies_left
from harness.engine.laying.testbed import Testbed, open_testbed, prepare_again
from harness.errors import HarnessError
from harness.modules import users_modules
from harness.processes.keeper import KeptProcess
from harness.stack import private_folder
from harness.suite import SuiteSettings
from harness.target import Target, load_target

Progress = Callable[[str], None]


class UpServers(Closing):
    """The servers of `harness up`: a context manager whose end stops them.

    They are lent to one fork of this process at a time, which gets them like new: for the current target, with a
    database that the current service has prepared.
    """

    def __init__(self, settings: SuiteSettings) -> None:
        self.settings = settings
        self.directory = Path.cwd()
        """Where `up` was called: paths in `settings` are relative to it."""
        self.target_file = settings.target_file.resolve()
        self._exits = ExitStack()
        self._bed: Testbed | None = None
        self._logs = Path()
        self._others: frozenset[str] = frozenset()
        """Proxies that existed before, in a Toxiproxy that was given by URL."""
        self._others_used = False
        """Whether a run had to start its own servers."""
        self._preloaded: KeptProcess | None = None

    def bring_up(self, progress: Progress) -> Testbed:
        """Start servers for the current target, instead of the old ones, and return them.

        Raises UsageError for a target that cannot be read, and HarnessError for servers that do not start.
        """
        self.close()
        target = load_target(self.target_file)
        progress(f"bringing up {target.servers_shown}, to stay up")
        with ExitStack() as opening:
            self._logs = opening.enter_context(private_folder()) / "logs"
            opened = open_testbed(target, self.settings.stack, logs=self._logs, progress=progress)
            self._bed = opening.enter_context(opened)
            self._others = frozenset(self._bed.stack.toxiproxy.client().names())
            self._exits = opening.pop_all()
        self._preloaded, self._others_used = _preloaded(self._bed), False
        for name in users_modules():
            del sys.modules[name]  # imported by the target's sender: each run imports the current version
        return self._bed

    def close(self) -> None:
        """Stop the servers. Idempotent."""
        self._bed = None
        self._exits.close()

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Leave the servers to a fork of this process that is made in the block and calls `take_over`."""
        if self._bed is None:
            yield
            return
        with self._bed.stack.keeper.lent():
            yield

    # ------------------------------------------------------------------ in the fork

    def take_over(self) -> None:
        """Use the servers in this process, a fork of the one that started them."""
        if self._bed is not None:
            self._bed.stack.keeper.take_over()

    @contextmanager
    def preparing(self, target: Target) -> Iterator[None]:
        """While the block runs, let the service prepare its database. Raises HarnessError at the end if that failed.

        This is done before each run, because a migration may have changed. New servers are prepared when they start.
        """
        bed = self._bed
        if bed is None or not _serves(bed, target):
            yield
            return
        bed.target = target
        with ThreadPoolExecutor(1, thread_name_prefix="harness-prepare") as pool:
            prepared = pool.submit(prepare_again, bed)
            yield
        prepared.result()

    @contextmanager
    def lend(self, target: Target, *, logs: Path, progress: Progress) -> Iterator[Testbed]:
        """Lend the servers to a session, and write their logs into `logs` while it runs. Raises HarnessError.

        If they have died, were changed, or no longer fit the target, the session gets its own servers.
        """
        bed = self._bed
        if bed is None or not _serves(bed, target):
            self._others_used = True
            progress("the servers that stay up do not fit this run: bringing up others for it alone")
            with open_testbed(target, self.settings.stack, logs=logs, progress=progress) as own:
                yield own
            return
        bed.target = target
        logs.mkdir(parents=True, exist_ok=True)
        before = self._log_sizes()
        try:
            yield bed
        finally:
            self._copy_logs(before, logs)

    def is_sound(self) -> bool:
        """Whether the servers all live, fit the target, and have no proxy that a run left."""
        if self._bed is None or self._others_used or not _is_fit(self._bed):
            return False
        if _preloaded(self._bed) is not self._preloaded:
            return False  # started again by a fork, which alone knows the new one
        try:
            return self._others.issuperset(proxies_left(self._bed))
        except HarnessError:
            return False  # Toxiproxy does not answer

    # ------------------------------------------------------------------ inside

    def _log_sizes(self) -> Mapping[Path, int]:
        return {file: file.stat().st_size for file in self._log_files()}

    def _log_files(self) -> list[Path]:
        return sorted(self._logs.glob("*.log"))

    def _copy_logs(self, before: Mapping[Path, int], to: Path) -> None:
        for file in self._log_files():
            with file.open("rb") as log:
                log.seek(before.get(file, 0))
                said = log.read()
            if said:
                with (to / file.name).open("ab") as copy:  # a session may borrow more than once
                    copy.write(said)


def _serves(bed: Testbed, target: Target) -> bool:
    """Whether they can be used, and this target would have started them in the same way."""
    same = (bed.target.directory, bed.target.description.service) == (target.directory, target.description.service)
    return same and bed.target.servers == target.servers and _is_fit(bed)


def _preloaded(bed: Testbed) -> KeptProcess | None:
    return None if bed.preloaded is None else bed.preloaded.process


def _is_fit(bed: Testbed) -> bool:
    """Whether all live, and no scenario has changed one beyond its run."""
    return bed.stack.dead() is None and bed.stack.keeper.alive and not bed.changed
