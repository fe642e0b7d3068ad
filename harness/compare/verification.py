"""Release verification: what a candidate does worse than the release that it would replace."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.checks import Verdict
from harness.checks.proof import Proof
from harness.compare.differences import Comparison, Difference, differences
from harness.compare.record import ScenarioRecord, SuiteRecord, record_of
from harness.results.ablation import WRONG, PairVerdict
from harness.results.finding import Finding
from harness.results.model import SummaryRead
from harness.results.text import counted

SCHEMA = "harness.verify/1"
THE_RELEASE = "the release"
NOT_TOLD = "not told"
_JUDGED = frozenset({Verdict.HELD, Verdict.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The candidate or the release: what was run, and the results. `summary` is its run's, proofs included."""

    target: str
    run: str
    started_at: str
    revision: str
    record: SuiteRecord

    @classmethod
    def of(cls, summary: SummaryRead) -> Side:
        """From the summary of its run."""
        info = summary.run
        return cls(
            target=info.target, run=info.id, started_at=info.started_at, revision=info.revision,
            record=record_of(summary),
        )  # fmt: skip

    def to_json(self) -> dict[str, str]:
        """Return a JSON object without its record."""
        return {"target": self.target, "run": self.run, "started_at": self.started_at, "revision": self.revision}


@dataclass(frozen=True, slots=True)
class Verification:
    """Both sides. `ids`: the chosen scenarios of the candidate, which were run on both.

    `excused`: scenarios that this machine need not run.
    """

    candidate: Side
    release: Side
    ids: Sequence[str]
    regressions: Sequence[Difference]
    excused: Collection[str] = ()

    @property
    def as_before(self) -> Sequence[str]:
        """Problems that the candidate shares with the release."""
        return list(self._as_before())

    @property
    def better(self) -> Sequence[str]:
        """Failures of the release that the candidate does not have."""
        return [
            f"{name} held: {was.verdict} in {THE_RELEASE}: {was.reason}"
            for name, was, now in self.pairs()
            if was is not None and was.verdict is Verdict.FAILED and now is not None and now.verdict is Verdict.HELD
        ]

    @property
    def not_told(self) -> Sequence[str]:
        """What could not be compared or judged."""
        return [sentence for _, sentence in self._not_told()]

    def findings(self, section: str) -> Sequence[Finding]:
        """The findings for the summary: regressions, and what was not judged, which prevents a release as well."""
        untold = [Finding(section, name, NOT_TOLD, sentence, inconclusive=True) for name, sentence in self._not_told()]
        return [*(each.finding(section) for each in self.regressions), *untold]

    def pairs(self) -> Iterator[tuple[str, ScenarioRecord | None, ScenarioRecord | None]]:
        """Each scenario, of the release and of the candidate."""
        for name in self.ids:
            yield name, self.release.record.scenarios.get(name), self.candidate.record.scenarios.get(name)

    def _as_before(self) -> Iterator[str]:
        for name, was, now in self.pairs():
            if was is None or now is None:
                continue
            if now.verdict is Verdict.FAILED and was.verdict is Verdict.FAILED:
                yield f"{name} failed, as in {THE_RELEASE}: {now.reason}"
            for title, verdict in now.proofs.items():
                if _wrong(verdict) and title in was.proofs and was.proofs[title] is not PairVerdict.PROVED:
                    yield f"{name}: {title} is {verdict}, in {THE_RELEASE} {was.proofs[title]}"

    def _not_told(self) -> Iterator[tuple[str, str]]:
        """Yield each with the scenario's id.

        One that held and is not judged now is a regression, and is reported there.
        """
        for name, was, now in self.pairs():
            if now is None or was is None:
                yield name, f"{name}: not run"
                continue
            if _untold(was, now, excused=name in self.excused):
                yield name, f"{name} {_said(now)}; in {THE_RELEASE} {_said(was)}"
            for title, verdict in now.proofs.items():
                if verdict is PairVerdict.INCONCLUSIVE or (_wrong(verdict) and title not in was.proofs):
                    said = was.proofs.get(title, "not tried")
                    yield name, f"{name}: {title} is {verdict}; in {THE_RELEASE} {said}"

    @property
    def clean(self) -> bool:
        """Whether the comparison found no problem, and had results to compare."""
        return bool(self._count(Verdict.HELD)) and not (self.regressions or self.not_told or self.as_before)

    @property
    def verdict(self) -> str:
        """The verdict in one sentence."""
        if self.regressions:
            return f"Do not release: {counted(len(self.regressions), 'regression')}."
        if self.not_told:
            return "Undecided: not everything could be compared."
        if self.as_before:
            return "No regression, but the candidate is not sound: it fails what the release fails."
        if not self.clean:
            return "Undecided: none of the scenarios could be run."
        return f"May be released: {', '.join(self._shown())}, nothing is worse."

    def _shown(self) -> Iterator[str]:
        """Return the outcome of the candidate's runs. This machine need not be able to run all that was chosen."""
        yield f"{counted(self._count(Verdict.HELD), 'scenario')} held"
        if absent := self._count(Verdict.UNAVAILABLE):
            yield f"{counted(absent, 'scenario')} unavailable"
        yield f"{counted(self._count_proofs(PairVerdict.PROVED), 'proof')} proved"
        if absent := self._count_proofs(PairVerdict.UNAVAILABLE):
            yield f"{counted(absent, 'proof')} unavailable"

    def _count(self, verdict: Verdict) -> int:
        return sum(now is not None and now.verdict is verdict for _, _, now in self.pairs())

    def _count_proofs(self, verdict: PairVerdict) -> int:
        return sum(list(now.proofs.values()).count(verdict) for _, _, now in self.pairs() if now is not None)

    def to_json(self) -> dict[str, Any]:
        """Return the content of `verify.json`."""
        return {
            "schema": SCHEMA,
            "verdict": self.verdict,
            "candidate": self.candidate.to_json(),
            "against": self.release.to_json(),
            "scenarios": list(self.ids),
            "regressions": [
                {"kind": each.kind.value, "subject": each.subject, "sentence": each.sentence}
                for each in self.regressions
            ],
            "as_before": list(self.as_before),
            "better": list(self.better),
            "not_told": list(self.not_told),
        }


def _wrong(verdict: PairVerdict) -> bool:
    return verdict in WRONG


def _untold(was: ScenarioRecord, now: ScenarioRecord, *, excused: bool) -> bool:
    """Return whether one of the two was not judged. If `excused`, neither needs to run here."""
    verdicts = {was.verdict, now.verdict}
    lacking = excused and verdicts == {Verdict.UNAVAILABLE}
    return was.verdict is not Verdict.HELD and not verdicts <= _JUDGED and not lacking


def _said(record: ScenarioRecord) -> str:
    return f"{record.verdict}: {record.reason}" if record.reason else record.verdict.value


def verification(
    candidate: SummaryRead,
    release: SummaryRead,
    ids: Sequence[str],
    proofs: Mapping[str, Sequence[Proof]],
    *,
    whole: bool,
    excused: Collection[str] = (),
) -> Verification:
    """Compare two runs. `ids`: what was chosen; `proofs`: those of the candidate's suite, by scenario.

    `whole`: the candidate was to run everything that the release ran, so a missing scenario is gone. `excused`: what
    this machine need not run.
    """
    new, old = Side.of(candidate), Side.of(release)
    how = Comparison(before=THE_RELEASE, proofs=proofs, whole=whole)
    return Verification(new, old, ids, differences(old.record, new.record, how), excused)
