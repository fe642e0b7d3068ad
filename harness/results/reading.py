"""Reads a `summary.json` back: of this run, of an older one, or of one that another machine left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.checks import WORST_FIRST, Verdict
from harness.documents import check_document, check_schema, read_json
from harness.results.ablation import PairVerdict
from harness.results.folder import FILE, is_quick
from harness.results.naming import newest_run
from harness.results.result import Role, RunKey
from harness.results.summary import SCHEMA, RunInfo


class Read(BaseModel):
    """A part of the file. Keys that are not read here may be there, of this version or a later one."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class EvidenceRead(Read):
    """Proof that a fault took effect. `t_ns`: CLOCK_MONOTONIC. `at`: the message that met the fault, if one did.

    `fault`: as a schedule has it; null where nothing was broken.
    """

    kind: str
    source: str
    t_ns: int
    detail: str
    at: Mapping[str, Any] | None = None
    fault: Mapping[str, Any] | None = None


class CheckRead(Read):
    """What one check says of a run. `saw`: what it looked at, passing or failing; `observations`: how many things."""

    name: str
    failed: bool
    reason: str = ""
    saw: str = ""
    observations: int = 0


class RunRead(Read):
    """One run. `history` and `schedule` are relative to the run's folder."""

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
    figures: Mapping[str, float | None] = {}
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

    def figure(self, name: str) -> float | None:
        """One figure, where there is one."""
        return self.figures.get(name)


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


class FindingRead(Read):
    """What is wrong with the run as a whole."""

    section: str
    subject: str = ""
    kind: str = ""
    sentence: str
    inconclusive: bool = False
    warning: bool = False


class CoverRead(Read):
    """Two protections that hold for each other in a scenario: neither matters alone, but both together do."""

    scenario: str
    protection: str
    covered_by: str


class MatrixRead(Read):
    """Every scenario with each protection off: its cells are runs of the summary."""

    profile: str
    protections: tuple[str, ...]
    covers: tuple[CoverRead, ...] = ()


class AblationRead(Read):
    """What the proofs amount to."""

    matrix: MatrixRead | None = None


class CoverageRead(Read):
    """The share of the fault space that was hit and judged, and whatever else the search wrote there."""

    model_config = ConfigDict(frozen=True, extra="allow")

    percent: float

    @property
    def others(self) -> Mapping[str, Any]:
        """All but the share, by name."""
        return self.model_extra or {}


class SummaryRead(Read):
    """The whole file. `times` are in seconds."""

    schema_: Literal["harness.summary/1"] = Field(alias="schema")
    complete: bool
    exit_status: int | None
    run: RunInfo
    selection: tuple[str, ...]
    counts: Mapping[str, int] = {}
    times: Mapping[str, float] = {}
    runs: tuple[RunRead, ...]
    proofs: tuple[ProofRead, ...] = ()
    findings: tuple[FindingRead, ...] = ()
    coverage: CoverageRead | None = None
    ablation: AblationRead | None = None

    @property
    def quick(self) -> bool:
        """Whether `harness run` made it: some scenarios, while somebody works on them."""
        return is_quick(self.run.verb)

    @property
    def matrix(self) -> MatrixRead | None:
        """The ablation matrix, where it was tried."""
        return self.ablation.matrix if self.ablation else None

    @property
    def wrong_proofs(self) -> tuple[ProofRead, ...]:
        """Those that do not prove their protection, on a machine that can try."""
        borne_out = (PairVerdict.PROVED, PairVerdict.UNAVAILABLE)
        return tuple(proof for proof in self.proofs if proof.verdict not in borne_out)


def own_runs(summary: SummaryRead) -> Iterator[RunRead]:
    """The runs of the scenarios themselves, with everything on; of several of one scenario the worst."""
    found: dict[str, RunRead] = {}
    for run in summary.runs:
        if run.role == "scenario" and run.profile == summary.run.profile and not run.without:
            other = found.get(run.id)
            if other is None or _rank(run) < _rank(other):
                found[run.id] = run
    return iter(found.values())


def _rank(run: RunRead) -> int:
    return WORST_FIRST.index(run.verdict)


def multiple(time_ms: float | None, healthy_ms: float | None) -> float | None:
    """A time as a multiple of the same run's healthy answer."""
    return None if time_ms is None or not healthy_ms else time_ms / healthy_ms


def read_summary(given: Path, *, of_run: bool = True) -> SummaryRead:
    """Read a file, a run's folder, or a folder of results, whose newest run counts. Raises UsageError.

    `of_run`: the newest may be one that `harness run` made.
    """
    path = given
    if given.is_dir():
        path = given / FILE if (given / FILE).is_file() else newest_run(given, of_run=of_run)
    return summary_from(read_json(path, mend="name a run's folder, or its summary.json"), place=str(path))


def summary_from(data: Mapping[str, Any], *, place: str) -> SummaryRead:
    """Read a summary that is JSON already. Raises UsageError."""
    mend = "name a summary.json that this version of the harness, or an older one, has written"
    check_schema(data, place=place, schema=SCHEMA, mend=mend)
    return check_document(SummaryRead, data, place=place, mend=mend)
