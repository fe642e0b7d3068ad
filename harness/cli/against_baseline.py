"""What the gate has of the baseline: which scenarios have changed since, and what has become worse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.cli.chosen import Chosen
from harness.compare.baseline import FILE, Baseline, read_baseline
from harness.compare.differences import Comparison, Difference, Kind, differences
from harness.compare.record import record_of
from harness.errors import UsageError
from harness.present.looks import BAD, BOLD, DIM, DOUBT
from harness.present.terminal.lines import Line
from harness.present.terminal.screen import Screen
from harness.proof.sources import digests
from harness.results.reading import summary_from
from harness.results.text import one_line
from harness.suite import Session

SECTION = "baseline"


@dataclass(frozen=True, slots=True)
class AgainstBaseline:
    """A baseline, and the suite as it is."""

    path: Path
    baseline: Baseline
    chosen: Chosen
    sources: Mapping[str, str]

    def changed(self) -> Sequence[str]:
        """Ids of the chosen scenarios whose source is not the recorded one, or is not recorded."""
        recorded = {name: scenario.source for name, scenario in self.baseline.scenarios.items()}
        return [each.id for each in self.chosen.chosen if recorded.get(each.id) != self.sources[each.id]]

    def compare(self, session: Session, screen: Screen) -> None:
        """Compare what the session has run; tell, and put it into the summary and the exit status."""
        data = session.summary(complete=False, status=None).to_json(session.folder.relative)
        record = record_of(summary_from(data, place="this run"), self.sources)
        how = Comparison(
            proofs=self.chosen.proofs,
            whole=self.chosen.whole,
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
        session.add(SECTION, section, [each.finding(SECTION) for each in found])
        screen.write_all(difference_lines(found, str(self.path), new))


def baseline_file(chosen: Chosen, given: Path | None) -> Path:
    """The file that is meant: by default the one beside the scenarios."""
    return given or chosen.settings.scenarios / FILE


def against_baseline(chosen: Chosen, given: Path | None) -> AgainstBaseline | None:
    """Read the baseline, where there is one, and this is a run that it can be compared with. Raises UsageError.

    A file that was named must be there.
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


def difference_lines(found: Sequence[Difference], path: str, new: Sequence[str]) -> Iterator[Line]:
    """What has become worse, one line each; else that nothing has."""
    if found:
        count = "1 difference" if len(found) == 1 else f"{len(found)} differences"
        yield [(f"worse than {path}: {count}", BAD)]
    else:
        yield [(f"nothing is worse than {path}", DIM)]
    for each in found:
        style = DOUBT if each.kind is Kind.INCONCLUSIVE else BAD
        yield [(f"x {each.kind.value:18} ", style), (one_line(each.sentence), "")]
    if new:
        yield [("not in the baseline yet: ", DIM), (", ".join(new), BOLD), (" (accept a run that has them)", DIM)]
