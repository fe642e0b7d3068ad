"""Compares a run with an earlier one, and says what has become worse."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.checks import Verdict
from harness.checks.clock import OTHERS_AT_LEAST
from harness.checks.proof import Proof
from harness.compare.evidence import gone
from harness.compare.record import ScenarioRecord, SuiteRecord
from harness.proof.teeth import proves_alone
from harness.results.ablation import WRONG, PairVerdict
from harness.results.ablation import title as title_of
from harness.results.finding import Finding
from harness.results.reading import multiple

FACTOR = 4.0
"""The factor by which the multiple of a healthy answer may grow."""
SLACK_MS = 500.0
"""The time must also grow by this much: on a faster machine, a fixed time limit is many more healthy answers, but not
slower."""


class Kind(enum.StrEnum):
    """What has become worse."""

    FAILED = "newly failed"
    INCONCLUSIVE = "newly inconclusive"
    UNAVAILABLE = "newly unavailable"
    GONE = "scenario gone"
    EVIDENCE = "evidence gone"
    PROOF = "proof gone"
    PROOF_LOST = "proof lost"
    PROTECTION = "no longer proved"
    COVERAGE = "coverage fell"
    SPACE = "fault space shrank"
    RECOVERY = "slower recovery"
    ANSWER = "slower answer"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `sentence` names the subject, the old value and the new one."""

    kind: Kind
    subject: str
    sentence: str

    def finding(self, section: str) -> Finding:
        """Return it as a finding of the summary."""
        return Finding(section, self.subject, self.kind.value, self.sentence, self.kind is Kind.INCONCLUSIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What to compare with, and how.

    `before` names the earlier record in sentences. `proofs`: the current proofs of each scenario, by its id. `whole`:
    the whole suite was run, so a missing scenario is gone. `excused`: ids of scenarios that some machines cannot run.
    """

    before: str = "the baseline"
    proofs: Mapping[str, Sequence[Proof]]
    whole: bool = True
    excused: Collection[str] = ()
    factor: float = FACTOR
    coverage_floor_percent: float | None = None

    def titles(self, scenario: str) -> Sequence[str]:
        """The titles of the scenario's proofs."""
        return [title_of(proof) for proof in self.proofs.get(scenario, ())]

    def titles_of(self, scenario: str, protection: str) -> Sequence[str]:
        """Return the titles of the proofs that are only about this protection."""
        own = self.proofs.get(scenario, ())
        return [title_of(proof) for proof in own if proves_alone(proof.protections) == protection]


_NEW: Mapping[Verdict, Kind] = {
    Verdict.FAILED: Kind.FAILED,
    Verdict.INCONCLUSIVE: Kind.INCONCLUSIVE,
    Verdict.UNAVAILABLE: Kind.UNAVAILABLE,
}


def differences(old: SuiteRecord, new: SuiteRecord, how: Comparison) -> list[Difference]:
    """Everything that has become worse.

    Scenarios in the order of their ids, then protections, coverage and fault space.
    """
    found: list[Difference] = []
    for name, before in sorted(old.scenarios.items()):
        found += _scenario(name, before, new.scenarios.get(name), how)
    found += _protections(old, new, how)
    found += _coverage(new, how)
    found += _space(old, new, how)
    return found


def _scenario(name: str, old: ScenarioRecord, new: ScenarioRecord | None, how: Comparison) -> Iterator[Difference]:
    if new is None:
        if how.whole and name not in how.proofs:
            yield Difference(Kind.GONE, name, f"{name} is gone: {how.before} has it, and no scenario has this id now")
        return
    yield from _proofs(name, old, how)
    if new.verdict is Verdict.UNAVAILABLE and name in how.excused:
        return
    if old.verdict is Verdict.HELD and new.verdict is not Verdict.HELD:
        said = f"{name} is {_NEW[new.verdict]}: it held in {how.before}; now: {new.reason}"
        yield Difference(_NEW[new.verdict], name, said)
        return
    if new.verdict is not Verdict.HELD or old.verdict is not Verdict.HELD:
        return
    yield from _proofs_lost(name, old, new, how)
    yield from _evidence(name, old, new, how)
    yield from _speed(name, old, new, how)


def _proofs(name: str, old: ScenarioRecord, how: Comparison) -> Iterator[Difference]:
    gone = [title for title in sorted(old.proofs) if title not in how.titles(name)]
    for title in gone:
        if old.proofs[title] is PairVerdict.PROVED:
            said = f"{name} no longer says that it proves {title}: in {how.before} it did, and had proved it"
            yield Difference(Kind.PROOF, name, said)


def _proofs_lost(name: str, old: ScenarioRecord, new: ScenarioRecord, how: Comparison) -> Iterator[Difference]:
    """Return lost proofs of a scenario that holds. One that does not hold masks its proofs, and is reported itself."""
    for title, verdict in sorted(new.proofs.items()):
        if old.proofs.get(title) is PairVerdict.PROVED and verdict in WRONG:
            said = f"{name} does not prove {title} any more: it is {verdict}; in {how.before} it was proved"
            yield Difference(Kind.PROOF_LOST, name, said)


def _evidence(name: str, old: ScenarioRecord, new: ScenarioRecord, how: Comparison) -> Iterator[Difference]:
    for kind in gone(old, new):
        there = ", ".join(new.evidence) or "none"
        said = f"{name} leaves no evidence {kind} any more: {how.before} has it; there is now: {there}"
        yield Difference(Kind.EVIDENCE, name, said)


def _speed(name: str, old: ScenarioRecord, new: ScenarioRecord, how: Comparison) -> Iterator[Difference]:
    """Yield what got slower. A run on a machine that was busy with other programs says nothing about that."""
    if new.speed.others_share >= OTHERS_AT_LEAST:
        return
    compared = (
        (Kind.RECOVERY, "recovers after", old.speed.recovery_ms, new.speed.recovery_ms),
        (Kind.ANSWER, "answers at worst after", old.speed.worst_ms, new.speed.worst_ms),
    )
    for kind, words, before_ms, now_ms in compared:
        before, now = multiple(before_ms, old.speed.healthy_ms), multiple(now_ms, new.speed.healthy_ms)
        if before is None or now is None or before_ms is None or now_ms is None:
            continue
        if now > how.factor * before and now_ms > before_ms + SLACK_MS:
            said = (
                f"{name} {words} {now_ms:.0f} ms, {now:.0f} times its own healthy answer;"
                f" in {how.before} {before_ms:.0f} ms, {before:.0f} times"
                f" (more than {how.factor:g} times that is too much)"
            )
            yield Difference(kind, name, said)


def _protections(old: SuiteRecord, new: SuiteRecord, how: Comparison) -> Iterator[Difference]:
    for name, provers in sorted(old.protections.items()):
        lost = [said for prover in provers if (said := _lost(name, prover, new, how)) is not None]
        if len(lost) == len(provers) and name not in new.protections:
            said = f"{name} is no longer proved: {how.before} has it proved by {', '.join(provers)}; {'; '.join(lost)}"
            yield Difference(Kind.PROTECTION, name, said)


def _lost(name: str, prover: str, new: SuiteRecord, how: Comparison) -> str | None:
    """Return why a scenario no longer proves it; None if it does, or if the proof was not tried."""
    if prover not in how.proofs:
        return f"{prover} is gone"
    titles = how.titles_of(prover, name)
    if not titles:
        return f"{prover} does not name it any more"
    record = new.scenarios.get(prover)
    tried = {title: verdict for title, verdict in record.proofs.items() if title in titles} if record else {}
    if not tried:
        return None
    if PairVerdict.PROVED in tried.values():
        return None
    return ", ".join(f"{prover} {title} is {verdict}" for title, verdict in sorted(tried.items()))


def _coverage(new: SuiteRecord, how: Comparison) -> Iterator[Difference]:
    floor, now = how.coverage_floor_percent, new.coverage_percent
    if floor is not None and now is None and how.whole:
        yield Difference(Kind.COVERAGE, "coverage", f"it was not measured: {how.before} asks for {floor:.1f} %")
    if floor is not None and now is not None and now < floor:
        said = f"the suite covers {now:.1f} % of the fault space: {how.before} asks for {floor:.1f} %"
        yield Difference(Kind.COVERAGE, "coverage", said)


def _space(old: SuiteRecord, new: SuiteRecord, how: Comparison) -> Iterator[Difference]:
    """Report a fault space that is gone or smaller: a share of it means less if it is smaller."""
    before, now = old.fault_space_points, new.fault_space_points
    if before is None or not how.whole or (now is not None and now >= before):
        return
    is_now = "there is none now" if now is None else f"there are {now} now"
    said = f"the fault space had {before} points in {how.before}, {is_now}"
    mend = "restore the file, or record it with `harness coverage --update` and accept a new baseline"
    yield Difference(Kind.SPACE, "fault space", f"{said}: {mend}")
