"""The results of a run that later runs are compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.checks import Verdict
from harness.proof.teeth import proves_alone
from harness.results.ablation import PairVerdict
from harness.results.model import RunRead, SummaryRead
from harness.results.reading import own_runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Times of one run in milliseconds: its healthy answer, its slowest answer, and its recovery.

    `others_share`: the share of all cores that other programs used, 0 to 1.
    """

    healthy_ms: float | None = None
    worst_ms: float | None = None
    recovery_ms: float | None = None
    others_share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioRecord:
    """One scenario, with everything on.

    `evidence`: the kinds, sorted. `proofs`: titles of the tried proofs, with their verdicts. `source`: a digest of its
    source; empty if that is unknown.
    """

    verdict: Verdict
    reason: str = ""
    evidence: tuple[str, ...] = ()
    speed: Speed = Speed()
    proofs: Mapping[str, PairVerdict] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteRecord:
    """All scenarios, and which of them prove each protection: ids by name. Unproved protections are left out.

    `fault_space_points`: how many points the committed fault space had; None: there was none, or it is unknown.
    """

    scenarios: Mapping[str, ScenarioRecord]
    protections: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    coverage_percent: float | None = None
    fault_space_points: int | None = None


def record_of(
    summary: SummaryRead, sources: Mapping[str, str] | None = None, *, fault_space_points: int | None = None
) -> SuiteRecord:
    """Take the record out of a summary. `sources`: digests of the scenarios' sources, by id.

    `fault_space_points`: of the committed fault space, which a summary does not always have.
    """
    proofs: dict[str, dict[str, PairVerdict]] = {}
    for proof in summary.proofs:
        proofs.setdefault(proof.id, {})[proof.proof] = proof.verdict
    return SuiteRecord(
        scenarios={
            run.id: _scenario(run, proofs.get(run.id, {}), (sources or {}).get(run.id, "")) for run in own_runs(summary)
        },
        protections=_protections(summary),
        coverage_percent=summary.coverage.percent if summary.coverage else None,
        fault_space_points=fault_space_points,
    )


def _scenario(run: RunRead, proofs: Mapping[str, PairVerdict], source: str) -> ScenarioRecord:
    return ScenarioRecord(
        verdict=run.verdict,
        reason=run.reason,
        evidence=tuple(sorted({evidence.kind for evidence in run.evidence})),
        speed=Speed(
            healthy_ms=run.figure("healthy_ms"),
            worst_ms=run.figure("slowest_ms"),
            recovery_ms=run.figure("recovery_ms"),
            others_share=run.figure("others_share") or 0.0,
        ),
        proofs=dict(proofs),
        source=source,
    )


def _protections(summary: SummaryRead) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for proof in summary.proofs:
        name = proves_alone(proof.protections)
        if name is not None and proof.verdict is PairVerdict.PROVED:
            found.setdefault(name, []).append(proof.id)
    return {name: tuple(dict.fromkeys(ids)) for name, ids in found.items()}


def not_tried(record: SuiteRecord, titles: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Name the proofs that the suite has and the record does not. `titles`: all of them, by scenario."""
    for name, wanted in titles.items():
        there = record.scenarios.get(name)
        if there is not None and there.verdict is Verdict.UNAVAILABLE:
            continue
        for title in wanted:
            if there is None or title not in there.proofs:
                yield f"{name}: {title}"
