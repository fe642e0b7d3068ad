"""The content of `summary.json`: one model, used for writing and reading."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field

from harness.checks import CheckResult, Verdict
from harness.results.ablation import PairVerdict, ProofResult, title
from harness.results.cause import Cause, cause_of
from harness.results.finding import Finding
from harness.results.folder import is_quick
from harness.results.result import Evidence, Role, RunKey, RunResult
from harness.vocabulary import to_json

SCHEMA = "harness.summary/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """What was run, on what. `started_at` is ISO 8601, UTC; `command` can be pasted into a shell.

    `verb`: the verb of the command line, or `pytest`. Results of an older harness have none.

    `revision`: the commit that was run, with `+dirty` and a digest of the working tree's differences; empty without
    git.
    """

    id: str
    started_at: str
    command: str
    verb: str = ""
    seed: int
    target: str
    profile: str
    platform: str = ""
    revision: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)


class Read(BaseModel):
    """A part of the file. Unknown keys are skipped when it is read, because later versions write more."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class EvidenceRead(Read):
    """Proof that a fault took effect. `t_ns`: CLOCK_MONOTONIC. `at`: the message that met the fault, if one did.

    `fault`: as in a schedule; null if nothing was broken.
    """

    kind: str
    source: str
    t_ns: int
    detail: str
    at: Mapping[str, Any] | None = None
    fault: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        """Return a run's evidence in the form of the file."""
        at = None if evidence.at is None else dataclasses.asdict(evidence.at)
        fault = cast("Mapping[str, Any] | None", to_json(evidence.fault))
        return cls(
            kind=evidence.kind, source=evidence.source, t_ns=evidence.t_ns, detail=evidence.detail, at=at, fault=fault
        )


class CheckRead(Read):
    """The result of one check for a run.

    `saw`: what it examined, whether it failed or not; `observations`: how many things.

    With 0 it had nothing to judge. None: the file is from an older harness.
    """

    name: str
    failed: bool
    reason: str = ""
    saw: str = ""
    observations: int | None = None

    @classmethod
    def of(cls, check: CheckResult) -> Self:
        """A check's result, as the file has it."""
        return cls(
            name=check.name, failed=check.failed, reason=check.reason, saw=check.saw, observations=check.observations
        )


class CauseRead(Read):
    """Why a run failed that should have held: runs with equal causes are one finding. See `Cause`."""

    check: str
    symptom: tuple[str, ...] = ()
    where: tuple[str, ...] = ()


class RunRead(Read):
    """One run. `history`, `schedule` and `source` are relative to the run's folder."""

    id: str
    theme: str = ""
    profile: str
    without: tuple[str, ...]
    role: Role
    expected: Verdict = Verdict.HELD
    verdict: Verdict
    reason: str
    failing_checks: tuple[str, ...] = ()
    checks: tuple[CheckRead, ...] = ()
    evidence: tuple[EvidenceRead, ...] = ()
    figures: Mapping[str, int | float | None] = {}
    duration_s: float
    overhead_s: float = 0.0
    seed: int = 0
    repro: str = ""
    history: str | None = None
    schedule: str | None = None
    source: str | None = None
    cause: CauseRead | None = None

    @classmethod
    def of(cls, result: RunResult, relative: Callable[[Path | None], str | None]) -> Self:
        """A run, as the file has it; `relative` names a file relative to the run's folder."""
        return cls(
            id=result.key.id,
            theme=result.theme,
            profile=result.key.profile,
            without=result.key.without,
            role=result.role,
            expected=result.expected,
            verdict=result.verdict,
            reason=result.reason,
            failing_checks=result.failing_checks,
            checks=tuple(map(CheckRead.of, result.checks)),
            evidence=tuple(map(EvidenceRead.of, result.evidence)),
            figures=result.figures,
            duration_s=result.duration_s,
            overhead_s=result.overhead_s,
            seed=result.seed,
            repro=result.repro,
            history=relative(result.history),
            schedule=relative(result.schedule),
            source=relative(result.source),
            cause=_cause_read(cause_of(result)),
        )

    @property
    def key(self) -> RunKey:
        """The run's key: scenario, profile, and what was off."""
        return RunKey(self.id, self.profile, self.without)

    @property
    def failed_by(self) -> Cause | None:
        """Its cause; None if it did not fail, or had to fail. An older harness's file has only the check."""
        if self.cause is not None:
            return Cause(self.cause.check, self.cause.symptom, self.cause.where)
        wrong = self.verdict is Verdict.FAILED and self.expected is Verdict.HELD
        return Cause(self.failing_checks[0]) if wrong and self.failing_checks else None

    def figure(self, name: str) -> float | None:
        """Return one figure; None if the run has none of that name."""
        return self.figures.get(name)


def _cause_read(cause: Cause | None) -> CauseRead | None:
    return None if cause is None else CauseRead(check=cause.check, symptom=cause.symptom, where=cause.where)


class ProofRead(Read):
    """One proof that was tried. `proof` is its title; `control` and `ablated` are keys of runs."""

    id: str
    proof: str
    protections: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    under: str | None = None
    fails: str = ""
    match: str = ""
    verdict: PairVerdict
    reason: str
    control: str
    ablated: str

    @classmethod
    def of(cls, tried: ProofResult) -> Self:
        """A proof that was tried, as the file has it."""
        proof = tried.proof
        return cls(
            id=tried.id,
            proof=title(proof),
            protections=proof.protections,
            without=proof.without,
            under=proof.under,
            fails=proof.fails,
            match=proof.match,
            verdict=tried.judgement.verdict,
            reason=tried.judgement.reason,
            control=str(tried.control.key),
            ablated=str(tried.ablated.key),
        )


class CoverRead(Read):
    """Two protections that replace each other in a scenario: it fails only with both of them off."""

    scenario: str
    protection: str
    covered_by: str


class MatrixRead(Read):
    """Every scenario with each protection off: its cells are runs of the summary."""

    profile: str
    protections: tuple[str, ...]
    covers: tuple[CoverRead, ...] = ()


class AblationRead(Read):
    """The judgement of all proofs, section `ablation`."""

    matrix: MatrixRead | None = None


class CoverageRead(Read):
    """The share of the fault space that was hit and judged, with the other keys that the search recorded."""

    model_config = ConfigDict(frozen=True, extra="allow")

    percent: float

    @property
    def others(self) -> Mapping[str, Any]:
        """All other keys, by name."""
        return self.model_extra or {}


class SummaryRead(Read):
    """The whole file. `times` are in seconds. Other results have their own sections."""

    schema_: Literal["harness.summary/1"] = Field(alias="schema")
    complete: bool
    exit_status: int | None
    run: RunInfo
    selection: tuple[str, ...]
    counts: Mapping[str, int] = {}
    times: Mapping[str, float] = {}
    runs: tuple[RunRead, ...]
    proofs: tuple[ProofRead, ...] = ()
    findings: tuple[Finding, ...] = ()
    coverage: CoverageRead | None = None
    ablation: AblationRead | None = None

    @property
    def quick(self) -> bool:
        """Whether `harness run` made it: some scenarios that somebody is working on."""
        return is_quick(self.run.verb)

    @property
    def matrix(self) -> MatrixRead | None:
        """The ablation matrix, if it was tried."""
        return self.ablation.matrix if self.ablation else None

    @property
    def wrong_proofs(self) -> tuple[ProofRead, ...]:
        """The proofs that do not prove their protection, on a machine that can try them."""
        borne_out = (PairVerdict.PROVED, PairVerdict.UNAVAILABLE)
        return tuple(proof for proof in self.proofs if proof.verdict not in borne_out)
