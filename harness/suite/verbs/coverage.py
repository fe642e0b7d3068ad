"""Judges how much of the fault space was hit: by a whole gate, or by past runs (`harness coverage`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.exit_status import ExitStatus
from harness.results.finding import Finding
from harness.results.model import SummaryRead
from harness.results.revision import revision_of
from harness.search.recording.places import Point
from harness.search.space.coverage import (
    Coverage,
    Subject,
    gate_coverage,
    hit_by_summary,
    hit_by_sweep,
    newest_gate,
    newest_sweep,
)
from harness.search.space.lost import Lost, lost_of
from harness.search.space.space import (
    DEFAULT_FLOOR_PERCENT,
    FILE,
    Changes,
    FaultSpace,
    committed_space,
    read_space,
)
from harness.search.space.swept import Swept
from harness.suite.selection.chosen import Chosen
from harness.suite.session import Session

SECTION = "coverage"
UPDATE = "look at the changes, then write the space again with `harness coverage --update`"


@dataclass(frozen=True, slots=True)
class JudgedCoverage:
    """What a gate has hit. `lost`: what it missed, if it is below the floor. `unread`: why a sweep is left out."""

    coverage: Coverage
    lost: Lost | None
    unread: Sequence[str]


def subject_of(suite: Chosen, session: Session) -> Subject:
    """Return what the session tests."""
    info = session.record.summary(complete=False, status=None).info
    return Subject(target=info.target, profile=info.profile, without=suite.settings.without, revision=info.revision)


def links_of(suite: Chosen) -> Mapping[str, str]:
    """The protocol of each link, by its name."""
    return {name: link.protocol for name, link in suite.target.description.links.items()}


def check_space(suite: Chosen) -> None:
    """Read the committed fault space before any scenario runs. Raises UsageError if it cannot be read."""
    committed_space(suite.settings.scenarios)


def judge_coverage(suite: Chosen, session: Session) -> JudgedCoverage | None:
    """Judge how much of the committed fault space was hit. Below its floor, the gate fails.

    Returns None if no space is committed. The newest whole sweep of the same target, profile, protections and commit in
    the results folder counts too, if it can be read. Raises UsageError for a space that cannot be read.
    """
    settings, links, unread = suite.settings, links_of(suite), list[str]()
    subject = subject_of(suite, session)
    found = gate_coverage(settings.scenarios, settings.results, session.record.results, subject, unread, links)
    if found is None:
        return None
    lost = lost_of(found, session.record.results, links) if found.below_floor else None
    findings = []
    if lost is not None:
        sentence = "; ".join([found.below_floor, *lost.sentences()])
        findings.append(Finding(SECTION, "fault space", "below its floor", sentence))
    session.record.add(SECTION, found.to_json(), findings)
    return JudgedCoverage(found, lost, unread)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The runs whose hits count. `links`: each link's protocol, by name. `unread`: what cannot be read, and why."""

    gate: SummaryRead | None
    sweep: Swept | None
    links: Mapping[str, str]
    unread: Sequence[str]

    @classmethod
    def of(cls, suite: Chosen) -> Past:
        """The newest whole gate and the newest whole sweep of the same subject in the folder of results."""
        settings, unread = suite.settings, list[str]()
        subject = Subject(
            target=str(settings.target_file), profile=suite.profile, without=settings.without,
            revision=revision_of(settings.scenarios, settings.results),
        )  # fmt: skip
        return cls(
            gate=newest_gate(settings.results, [scenario.id for scenario in suite.scenarios], subject, unread),
            sweep=newest_sweep(settings.results, subject, unread),
            links=links_of(suite),
            unread=unread,
        )

    def hit(self, space: FaultSpace) -> set[Point]:
        """The points that they hit and judged."""
        found = set(hit_by_sweep(self.sweep.sweep)) if self.sweep else set()
        return found | (hit_by_summary(space, self.gate, self.links) if self.gate else set())


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCoverage:
    """The newly recorded space, compared with the committed one in `path`, and its points that past runs hit."""

    path: Path
    updated: bool
    changed: Changes
    coverage: Coverage
    past: Past

    @property
    def status(self) -> ExitStatus:
        """Failed if the committed file is out of date, or if a whole gate is below its floor."""
        wrong = bool(self.past.gate and self.coverage.below_floor) or (bool(self.changed) and not self.updated)
        return ExitStatus.FAILED if wrong else ExitStatus.HELD

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return {
            "coverage": self.coverage.to_json(),
            "new": [str(point) for point in self.changed.new],
            "gone": [str(point) for point in self.changed.gone],
            "untried": [str(point) for point in self.coverage.untried],
            "gate": self.past.gate.run.id if self.past.gate else None,
            "sweep": self.past.sweep.folder.name if self.past.sweep else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceFile:
    """The committed file, whether to rewrite it, and with which floor."""

    path: Path
    committed: FaultSpace
    update: bool
    floor_percent: float

    @classmethod
    def of(cls, suite: Chosen, *, update: bool, floor_percent: float | None) -> SpaceFile:
        """Read the file. Raises UsageError if it cannot be read. The file may be missing if it will be rewritten."""
        path = suite.settings.scenarios / FILE
        committed = read_space(path) if path.exists() or not update else FaultSpace({}, DEFAULT_FLOOR_PERCENT)
        floor = committed.floor_percent if floor_percent is None else floor_percent
        return cls(path=path, committed=committed, update=update, floor_percent=floor)
