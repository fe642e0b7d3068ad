"""What a whole gate has hit of the fault space."""

from __future__ import annotations

from collections.abc import Sequence

from harness.cli.chosen import Chosen
from harness.cli.fault_maps import leave_maps
from harness.present.looks import BAD, BOLD, DOUBT, PLAIN
from harness.present.maps.mapping import coverage_map
from harness.present.terminal.screen import Screen
from harness.results.finding import Finding
from harness.results.text import one_line
from harness.search.space.coverage import Subject, gate_coverage
from harness.search.space.space import committed_space
from harness.suite import Session

SECTION = "coverage"


def subject_of(suite: Chosen, session: Session) -> Subject:
    """What the session runs on."""
    info = session.summary(complete=False, status=None).info
    return Subject(target=info.target, profile=info.profile, without=suite.settings.without, revision=info.revision)


def check_space(suite: Chosen) -> None:
    """Read the committed fault space before anything is run for it. Raises UsageError where it cannot be read."""
    committed_space(suite.settings.scenarios)


def judge_coverage(suite: Chosen, session: Session, screen: Screen) -> None:
    """Say how much of the committed fault space was hit and judged; below its floor the gate fails.

    Where no space is committed nothing is said. The newest whole sweep of the same target, profile, protections and
    commit in the results folder counts too, if it can be read. Raises UsageError for a space that cannot be read.
    """
    settings = suite.settings
    links = {name: link.protocol for name, link in suite.target.description.links.items()}
    subject = subject_of(suite, session)
    unread: list[str] = []
    found = gate_coverage(settings.scenarios, settings.results, session.results, subject, unread, links)
    if found is None:
        return
    below = found.below_floor
    findings = [Finding(SECTION, "fault space", "below its floor", below)] if below else []
    session.add(SECTION, found.to_json(), findings)
    unread += leave_maps(session.folder.path, settings.results, subject, [coverage_map(found)])
    tell_unread(screen, unread)
    share = f"{len(found.hit)} of {len(found.space.points)} points of the fault space"
    screen.write([("coverage: ", PLAIN), (f"{share}, {found.percent:.1f}%", BOLD)])
    if below:
        screen.write([(below, BAD)])


def tell_unread(screen: Screen, unread: Sequence[str]) -> None:
    """Say which maps the report lacks."""
    screen.write_all([("maps: ", PLAIN), (one_line(sentence), DOUBT)] for sentence in dict.fromkeys(unread))
