"""Servers that stay up from one session to the next, for who tries a scenario again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from harness.engine.laying.links import proxies_left
from harness.engine.laying.testbed import Testbed, open_testbed, prepare_again
from harness.errors import HarnessError
from harness.stack import private_folder
from harness.suite.settings import SuiteSettings
from harness.target import Target

Progress = Callable[[str], None]


class Standing:
    """A context manager whose end takes the servers down. Lent to one session at a time.

    What a session finds is as new: the target as it is now and, after `preparing`, a database prepared by the
    service as it is now.
    """

    def __init__(self, settings: SuiteSettings) -> None:
        self.settings = settings
        self.directory = Path.cwd()
        """Where it was brought up: what `settings` name is relative to it."""
        self.target_file = settings.target_file.resolve()
        self._exits = ExitStack()
        self._bed: Testbed | None = None
        self._logs: Path | None = None
        self._others: frozenset[str] = frozenset()
        """Proxies that were there before: of a Toxiproxy given by URL."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def bring_up(self, target: Target, progress: Progress) -> Testbed:
        """Return the servers; bring up new ones where there are none, or none that this target can use.

        Raises HarnessError for servers that do not come up.
        """
        if self._bed is not None and _serves(self._bed, target):
            return self._bed
        self.close()
        progress(f"bringing up {target.servers_shown}, to stay up")
        with ExitStack() as opening:
            self._logs = opening.enter_context(private_folder()) / "logs"
            opened = open_testbed(target, self.settings.stack, logs=self._logs, progress=progress)
            self._bed = opening.enter_context(opened)
            self._others = frozenset(self._bed.stack.toxiproxy.client().names())
            self._exits = opening.pop_all()
        return self._bed

    @contextmanager
    def preparing(self, target: Target) -> Iterator[None]:
        """Have the service prepare its database meanwhile. Raises HarnessError where it does not, at the end.

        Before each session: a migration may have changed. What is to be brought up anew is prepared then.
        """
        if self._bed is None or not _serves(self._bed, target):
            yield
            return
        self._bed.target = target
        with ThreadPoolExecutor(1, thread_name_prefix="harness-prepare") as pool:
            prepared = pool.submit(prepare_again, self._bed)
            yield
        prepared.result()

    @contextmanager
    def lend(self, target: Target, *, logs: Path, progress: Progress) -> Iterator[Testbed]:
        """Give the servers to one session, and into `logs` what they log meanwhile. Raises HarnessError."""
        bed = self.bring_up(target, progress)
        bed.target = target
        logs.mkdir(parents=True, exist_ok=True)
        before = self._log_sizes()
        try:
            yield bed
        finally:
            self._copy_logs(before, logs)

    def is_sound(self) -> bool:
        """Whether the servers all live, as they were brought up, and no proxy of a run's was left."""
        if self._bed is None or not _is_fit(self._bed):
            return False
        try:
            return self._others.issuperset(proxies_left(self._bed))
        except HarnessError:
            return False  # Toxiproxy does not answer

    def close(self) -> None:
        """Take the servers down. Idempotent."""
        self._bed = None
        self._exits.close()

    def _log_sizes(self) -> Mapping[Path, int]:
        return {file: file.stat().st_size for file in self._log_files()}

    def _log_files(self) -> list[Path]:
        if self._logs is None:
            raise HarnessError("the servers that stay up have no logs: they never came up")
        return sorted(self._logs.glob("*.log"))

    def _copy_logs(self, before: Mapping[Path, int], to: Path) -> None:
        for file in self._log_files():
            with file.open("rb") as log:
                log.seek(before.get(file, 0))
                said = log.read()
            if said:
                with (to / file.name).open("ab") as copy:  # a run that replaces its servers borrows again
                    copy.write(said)


def _serves(bed: Testbed, target: Target) -> bool:
    """Whether they are fit, and whether this target would have had them brought up in the same way."""
    same = (bed.target.directory, bed.target.description.service) == (target.directory, target.description.service)
    return same and bed.target.servers == target.servers and _is_fit(bed)


def _is_fit(bed: Testbed) -> bool:
    """Whether all live, and no scenario had one do what outlives its run."""
    return bed.stack.dead() is None and bed.stack.keeper.alive and not bed.server_changes
