"""Compares a gate with the baseline: which scenarios have changed, and what is worse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.compare.accepting import Ground, check_acceptable
from harness.compare.baseline import FILE, Baseline, accepted, read_baseline, write_baseline
from harness.compare.differences import Comparison, Difference, differences
from harness.compare.record import record_of
from harness.errors import UsageError
from harness.proof.sources import digests
from harness.results.naming import newest_run, run_named
from harness.results.reading import read_summary
from harness.results.revision import revision_of, uncommitted
from harness.search.space.space import committed_space
from harness.suite.selection.chosen import Chosen
from harness.suite.session import Session

SECTION = "baseline"
OF_STANDARD = "baseline-standard.json"


@dataclass(frozen=True, slots=True)
class Compared:
    """What is worse than in the baseline. `file`: its path. `new`: scenarios that it does not contain."""

    file: str
    differences: Sequence[Difference]
    new: Sequence[str]


@dataclass(frozen=True, slots=True)
class AgainstBaseline:
    """A baseline, and the present suite."""

    path: Path
    baseline: Baseline
    chosen: Chosen
    sources: Mapping[str, str]

    def changed(self) -> Sequence[str]:
        """Return ids of the chosen scenarios whose source differs from the recorded one, or was never recorded."""
        recorded = {name: scenario.source for name, scenario in self.baseline.scenarios.items()}
        return [each.id for each in self.chosen.chosen if recorded.get(each.id) != self.sources[each.id]]

    def compare(self, session: Session) -> Compared:
        """Compare what the session has run. Add the comparison to the summary and the exit status."""
        points = points_in(self.chosen) if self.chosen.whole else None
        record = record_of(session.record.so_far(), self.sources, fault_space_points=points)
        how = Comparison(
            proofs=self.chosen.proofs,
            whole=self.chosen.whole,
            excused=() if self.chosen.settings.strict else tuple(self.chosen.listed),
            factor=self.baseline.factor,
            coverage_floor_percent=self.baseline.coverage_floor_percent,
        )
        found = differences(self.baseline.record(), record, how)
        new = sorted(set(record.scenarios) - set(self.baseline.scenarios))
        section = {
            "file": str(self.path),
            "changed": list(self.changed()),
            "new": new,
            "differences": [each.finding(SECTION).to_json() for each in found],
        }
        session.record.add(SECTION, section, [each.finding(SECTION) for each in found])
        return Compared(str(self.path), found, new)


def points_in(chosen: Chosen) -> int | None:
    """Count the points of the committed fault space; None if none is committed. Raises UsageError.

    The suite beside it covers the space; the standard suite has nothing to do with it.
    """
    if chosen.settings.suite != "own":
        return None
    space = committed_space(chosen.settings.scenarios)
    return len(space.points) if space is not None else None


def baseline_file(chosen: Chosen, given: Path | None) -> Path:
    """The baseline's file: by default the one beside the scenarios."""
    own = chosen.settings.suite == "own"
    return given or chosen.settings.scenarios / (FILE if own else OF_STANDARD)


def against_baseline(chosen: Chosen, given: Path | None) -> AgainstBaseline | None:
    """Read the baseline, if the file exists and this run can be compared with it. Raises UsageError.

    A file that the user named must exist.
    """
    path = baseline_file(chosen, given)
    if not chosen.plain:
        if given is not None:
            mend = "leave out --profile and --without, or --baseline"
            raise UsageError.at("--baseline", "file", str(path), "a baseline is of the service as it is", mend=mend)
        return None
    found = read_baseline(path, target=chosen.target.description.name)
    if found is None:
        if given is not None:
            mend = "make one with `harness baseline accept`"
            raise UsageError.at("--baseline", "file", str(path), "there is no such file", mend=mend)
        return None
    if found.profile != chosen.profile:
        mend = "accept a new one, or leave the default profile as it was"
        raise UsageError.at(str(path), "profile", found.profile, "not the default profile", valid=[chosen.profile],
                            mend=mend)  # fmt: skip
    return AgainstBaseline(path, found, chosen, digests(chosen.chosen, chosen.settings.scenarios))


@dataclass(frozen=True, slots=True)
class Accepted:
    """The baseline before (None if there was none) and now."""

    path: Path
    old: Baseline | None
    new: Baseline


def accept_run(suite: Chosen, run: Path | None, file: Path | None) -> Accepted:
    """Make a run the baseline: by default the newest run that `harness run` did not make.

    Raises UsageError for a run that is partial, not good, or of another commit than the one checked out, and for an old
    baseline that cannot be read. The old baseline then stays.
    """
    settings, target = suite.settings, suite.target.description.name
    path = baseline_file(suite, file)
    old = read_baseline(path, target=target)
    place = newest_run(settings.results, of_run=False) if run is None else run_named(run, settings.results)
    summary = read_summary(place)
    record = record_of(summary, digests(suite.scenarios, settings.scenarios), fault_space_points=points_in(suite))
    ground = Ground(
        target_file=str(settings.target_file),
        profile=suite.profile,
        titles=suite.titles,
        revision=revision_of(settings.scenarios, settings.results),
        uncommitted=uncommitted(settings.scenarios, settings.results),
    )
    check_acceptable(summary, record, ground, place=str(place))
    new = accepted(record, old, target=target, profile=suite.profile)
    write_baseline(path, new)
    return Accepted(path, old, new)
