"""What the verbs that search have in common: a screen, a results folder, servers, and both their ends."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from harness.cli.options import Output
from harness.cli.stage import terminated_is_interrupted, typed
from harness.engine.laying.testbed import Testbed, open_testbed
from harness.present.terminal.screen import Screen, screen_for
from harness.results.folder import ResultsFolder, new_results_folder
from harness.results.repro import harness_words
from harness.results.summary import RunInfo
from harness.search.sweep.lane import LaneSettings
from harness.suite import ExitStatus, SuiteSettings, check_profile
from harness.suite.info import run_info
from harness.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchStage:
    """Where a search runs, and to whom it tells."""

    settings: SuiteSettings
    target: Target
    profile: str
    folder: ResultsFolder
    screen: Screen
    info: RunInfo

    @property
    def lane(self) -> LaneSettings:
        """How each of its services is started."""
        settings = self.settings
        return LaneSettings(
            profile=self.profile, without=settings.without, seed=settings.seed,
            folder=self.folder.path, patience_s=settings.patience_s,
        )  # fmt: skip

    @contextmanager
    def servers(self) -> Iterator[Testbed]:
        """Bring the servers up, and take them down."""
        self.screen.progress(f"bringing up {self.target.servers_shown}")
        stack, logs = self.settings.stack, self.folder.logs
        with open_testbed(self.target, stack, logs=logs, progress=self.screen.progress) as bed:
            yield bed

    def line(self, verb: str, *words: str) -> str:
        """The command line that does something of this search again; `words` are the verb's own."""
        off = [word for name in self.settings.without for word in ("--without", name)]
        seed = ("--seed", str(self.settings.seed))
        options = self.settings.options()
        return shlex.join([*harness_words(), verb, *words, "--profile", self.profile, *off, *seed, *options])


@contextmanager
def search_stage(settings: SuiteSettings, target: Target, output: Output) -> Iterator[SearchStage]:
    """Open the screen and the results folder. SIGTERM ends the search as Ctrl-C does."""
    profile = check_profile(settings, target)
    stream = sys.stderr if output.as_json else sys.stdout
    with terminated_is_interrupted(), screen_for(stream, output.verbosity) as screen:
        folder = new_results_folder(settings.results)
        screen.profile = profile
        try:
            yield SearchStage(
                settings=settings, target=target, profile=profile, folder=folder, screen=screen,
                info=run_info(settings, folder_id=folder.id, profile=profile, command=typed()),
            )  # fmt: skip
        finally:
            folder.release()


def finished(
    stage: SearchStage, play: Callable[[], ExitStatus], write: Callable[[bool, ExitStatus], None]
) -> ExitStatus:
    """Play, and write the results however it ends. An interruption gives its status; other errors are raised."""
    complete, status = False, ExitStatus.INCONCLUSIVE
    try:
        status = play()
        complete = True
    except KeyboardInterrupt:
        stage.screen.write([("interrupted", "bold")])
        status = ExitStatus.INTERRUPTED
    finally:
        write(complete, status)
    return status


__all__ = ["SearchStage", "finished", "search_stage"]
