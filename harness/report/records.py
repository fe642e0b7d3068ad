"""`summary.json`, read back: what the report says, it says by this file's word."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import UsageError
from harness.results import Role, RunKey

SUMMARY = "summary.json"


class _Record(BaseModel):
    """Keys that this version does not know are passed over: a later one may have written them."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class EvidenceRecord(_Record):
    """Proof that a fault took effect. `t_ns`: CLOCK_MONOTONIC."""

    kind: str
    source: str
    t_ns: int
    detail: str


class RunRecord(_Record):
    """One run. `history` and `schedule` are relative to the results folder."""

    id: str
    theme: str
    profile: str
    without: tuple[str, ...] = ()
    role: Role = "scenario"
    expected: str = "held"
    verdict: str
    reason: str = ""
    failing_checks: tuple[str, ...] = ()
    evidence: tuple[EvidenceRecord, ...] = ()
    figures: Mapping[str, float | None] = Field(default_factory=dict)
    duration_s: float
    overhead_s: float = 0.0
    seed: int = 0
    repro: str = ""
    history: str | None = None
    schedule: str | None = None

    @property
    def key(self) -> RunKey:
        """Scenario, profile, and what was off."""
        return RunKey(self.id, self.profile, self.without)


class ProofRecord(_Record):
    """One proof, tried. `control` and `ablated` are keys of runs."""

    id: str
    proof: str
    protections: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    under: str | None = None
    fails: str = ""
    match: str = ""
    verdict: str
    reason: str = ""
    control: str
    ablated: str


class FindingRecord(_Record):
    """What is wrong with the run as a whole."""

    section: str
    subject: str = ""
    kind: str = ""
    sentence: str
    inconclusive: bool = False


class CoverRecord(_Record):
    """Two protections that hold for each other in a scenario: neither matters alone, but both together do."""

    scenario: str
    protection: str
    covered_by: str


class MatrixRecord(_Record):
    """Every scenario with each protection off: its cells are runs of the summary."""

    covers: tuple[CoverRecord, ...] = ()


class AblationRecord(_Record):
    """What the proofs amount to."""

    matrix: MatrixRecord | None = None


class InfoRecord(_Record):
    """What was run, on what."""

    id: str
    started_at: str
    command: str
    seed: int
    target: str
    profile: str
    platform: str = ""
    revision: str = ""
    versions: Mapping[str, str] = Field(default_factory=dict)


class SummaryRecord(_Record):
    """The whole outcome of a run of the suite. `times` are in seconds. `coverage`: whatever the search wrote there."""

    complete: bool
    exit_status: int | None
    run: InfoRecord
    selection: tuple[str, ...] = ()
    counts: Mapping[str, int] = Field(default_factory=dict)
    times: Mapping[str, float] = Field(default_factory=dict)
    runs: tuple[RunRecord, ...] = ()
    proofs: tuple[ProofRecord, ...] = ()
    findings: tuple[FindingRecord, ...] = ()
    coverage: Mapping[str, Any] | None = None
    ablation: AblationRecord | None = None

    @property
    def wrong_proofs(self) -> tuple[ProofRecord, ...]:
        """Those that do not prove their protection, on a machine that can try."""
        return tuple(proof for proof in self.proofs if proof.verdict not in ("proved", "unavailable"))


def read_summary(folder: Path) -> SummaryRecord:
    """Read a results folder's summary. Raises UsageError when there is none, or it is none of ours."""
    path = folder / SUMMARY
    try:
        return SummaryRecord.model_validate(json.loads(path.read_text("utf-8")))
    except OSError as problem:
        message = f"{path}: cannot be read: {problem.strerror}"
        raise UsageError(message, hint="name the folder of a run, such as .results/latest") from problem
    except (ValueError, RecursionError) as problem:
        raise UsageError(f"{path}: {_first(problem)}", hint="read it with the harness that wrote it") from problem


def _first(problem: Exception) -> str:
    if isinstance(problem, ValidationError):
        error = problem.errors()[0]
        return f"{'.'.join(str(part) for part in error['loc']) or 'the whole'}: {error['msg']}"
    return f"not JSON: {problem}"
