"""What all verbs that run scenarios share: a screen, a session, and the end of both."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import click

from harness.cli.options import Output
from harness.exit_status import ExitStatus
from harness.invocation import harness_words
from harness.present.ci.github import tell_github
from harness.present.looks import BOLD
from harness.present.pages import Pages
from harness.present.terminal.lines import closing_lines, opening_lines
from harness.present.terminal.screen import Screen, Verbosity, screen_for
from harness.present.terminal.streams import into_nothing
from harness.scenario.scenario import Scenario
from harness.suite import Servers, Session
from harness.suite.info import Command
from harness.suite.selection.chosen import Chosen
from harness.suite.verbs.search import finish

Play = Callable[[Session, Screen], None]


def perform(
    suite: Chosen,
    output: Output,
    play: Play,
    *,
    chosen: Sequence[Scenario] | None = None,
    servers: Servers | None = None,
) -> ExitStatus:
    """Open a session, let `play` run scenarios in it, and tell how it went, however it ended.

    An interruption gives its status; other errors are raised when the results are written.

    Args:
        suite: what was chosen, and how it is to be run.
        output: how much is shown, and where.
        play: runs the scenarios.
        chosen: the scenarios that are to run, where that is not what was chosen of the suite.
        servers: what lends servers, if the session is not to bring up its own.
    """
    chosen = suite.chosen if chosen is None else chosen
    with on_screen(output) as screen:
        session = Session(
            suite.settings,
            suite.target,
            command=typed(),
            selection=[scenario.id for scenario in chosen],
            listed=suite.listed,
            watcher=screen,
            publisher=Pages(output.allure),
            servers=servers,
        )
        session.ambiguous = suite.ambiguous
        screen.profile, screen.total = session.profile, len(chosen)
        complete, status = False, ExitStatus.INTERRUPTED
        try:
            with session:
                if output.verbosity > Verbosity.QUIET:
                    screen.write_all(opening_lines(session.record.summary(complete=False, status=None), session.folder))
                play(session, screen)
                status = session.finish()
                complete = True
        except KeyboardInterrupt:  # at the very end, too: the user must see that the run was interrupted
            complete, status = False, ExitStatus.INTERRUPTED
            session.interrupted()
            screen.write([("interrupted", BOLD)])
        finally:
            found = session.record.summary(complete=complete, status=status)
            screen.write_all(closing_lines(found, session.folder, unpublished=session.record.unpublished))
            locations = {scenario.id: scenario.location for scenario in chosen}
            screen.write_all([(line, "")] for line in tell_github(session.folder.path, locations, os.environ))
            if output.as_json and not told(session.record.json):
                status = session.not_told(complete=complete, status=status)
    return status


def typed() -> Command:
    """Return what the user typed, with this Python in front."""
    return Command(click.get_current_context().info_name or "", (*harness_words(), *sys.argv[1:]))


def finished(screen: Screen, play: Callable[[], ExitStatus], write: Callable[[bool, ExitStatus], None]) -> ExitStatus:
    """Let a search play, write its results however it ends, and tell of an interruption."""
    status = finish(play, write)
    if status is ExitStatus.INTERRUPTED:
        screen.write([("interrupted", BOLD)])
    return status


@contextmanager
def on_screen(output: Output) -> Iterator[Screen]:
    """Open the screen that the output options ask for. SIGTERM ends what runs in it, like Ctrl-C."""
    stream = sys.stderr if output.as_json else sys.stdout
    with terminated_is_interrupted(), screen_for(stream, output.verbosity) as screen:
        yield screen


def told(text: str) -> bool:
    """Write the results to standard output; whether they could be written there, whole."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as problem:
        sys.stderr.write(f"harness: the summary could not be written to standard output: {problem}\n")
        into_nothing(sys.stdout)  # otherwise Python would end with another status
        return False
    return True


@contextmanager
def terminated_is_interrupted() -> Iterator[None]:
    """SIGTERM ends a run as Ctrl-C does: servers down, results written.

    A shell has its background jobs ignore SIGINT; then it is heeded for as long as the run lasts, since both
    signals take the same way.
    """

    def interrupt(signum: int, frame: FrameType | None) -> None:
        del signum, frame
        signal.raise_signal(signal.SIGINT)

    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if ignored:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        if ignored:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
