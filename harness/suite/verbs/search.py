"""A running search: its results folder, its servers, and its end."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from harness.engine.configuration import RunConfiguration
from harness.engine.laying.testbed import Testbed, open_testbed
from harness.exit_status import ExitStatus
from harness.invocation import harness_words
from harness.results.folder import ResultsFolder, new_results_folder
from harness.results.model import RunInfo
from harness.suite.info import Command, run_info
from harness.suite.settings import SuiteSettings, check_profile
from harness.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What every search needs. `progress` receives a note on anything slow."""

    settings: SuiteSettings
    target: Target
    profile: str
    folder: ResultsFolder
    info: RunInfo
    progress: Callable[[str], None]

    @property
    def run(self) -> RunConfiguration:
        """How each of its services starts."""
        settings = self.settings
        return RunConfiguration(
            profile=self.profile, without=settings.without, seed=settings.seed,
            folder=self.folder.path, patience_s=settings.patience_s,
        )  # fmt: skip

    @contextmanager
    def servers(self) -> Iterator[Testbed]:
        """Start the servers, and stop them at the end."""
        self.progress(f"bringing up {self.target.servers_shown}")
        stack, logs = self.settings.stack, self.folder.logs
        with open_testbed(self.target, stack, logs=logs, progress=self.progress) as bed:
            yield bed

    def line(self, verb: str, *words: str) -> str:
        """Return the command line that repeats a part of this search. `words` are the verb's options."""
        off = [word for name in self.settings.without for word in ("--without", name)]
        seed = ("--seed", str(self.settings.seed))
        options = self.settings.options()
        return shlex.join([*harness_words(), verb, *words, "--profile", self.profile, *off, *seed, *options])


@contextmanager
def open_search(
    settings: SuiteSettings, target: Target, *, command: Command, progress: Callable[[str], None]
) -> Iterator[Search]:
    """Open a results folder for a search. Raises UsageError for a profile that the target does not have."""
    profile = check_profile(settings, target)
    folder = new_results_folder(settings.results)
    try:
        info = run_info(settings, folder_id=folder.id, profile=profile, command=command)
        yield Search(settings=settings, target=target, profile=profile, folder=folder, info=info, progress=progress)
    finally:
        folder.release()


def finish(play: Callable[[], ExitStatus], write: Callable[[bool, ExitStatus], None]) -> ExitStatus:
    """Play, and write the results however it ends. An interruption gives its status; other errors are raised.

    `write` receives whether the search is complete, and its status.
    """
    complete, status = False, ExitStatus.INCONCLUSIVE
    try:
        status = play()
        complete = True
    except KeyboardInterrupt:
        status = ExitStatus.INTERRUPTED
    finally:
        write(complete, status)
    return status


__all__ = ["Search", "finish", "open_search"]
