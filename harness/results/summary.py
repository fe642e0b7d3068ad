"""`summary.json`: the whole outcome of a run of the suite, for programs."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.checks import CheckResult, Verdict
from harness.results.ablation import ProofResult, title
from harness.results.finding import Finding
from harness.results.result import Evidence, RunResult
from harness.vocabulary import to_json

SCHEMA = "harness.summary/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """What was run, on what. `started_at` is ISO 8601, UTC; `command` can be pasted into a shell.

    `verb`: what began it: a verb of the command line, or `pytest`. Results of an older harness have none.

    `revision`: the commit that was run, with `+dirty` and a digest of what differed from it in the
    working tree; empty where there is no git.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Where the time went, in seconds.

    `around_s` is the part of `scenarios_s` that is the harness's own: laying links, starting the
    service, recovery, rest and rows. `rest_s` is what is neither stack nor scenarios.
    """

    total_s: float
    stack_s: float
    scenarios_s: float
    around_s: float

    @property
    def rest_s(self) -> float:
        """All that is left."""
        return max(0.0, self.total_s - self.stack_s - self.scenarios_s)

    def to_json(self) -> dict[str, float]:
        """By name, to the millisecond."""
        return {
            name: round(seconds, 3) for name, seconds in (*dataclasses.asdict(self).items(), ("rest_s", self.rest_s))
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Everything that `summary.json` says. `complete`: every selected scenario was run and judged.

    `sections`: what else was looked at, such as `ablation` and `baseline`, as JSON objects by name;
    `findings` is what that found wrong.
    """

    info: RunInfo
    selection: Sequence[str]
    results: Sequence[RunResult]
    proofs: Sequence[ProofResult] = ()
    sections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    times: Times
    complete: bool = False
    exit_status: int | None = None

    @property
    def counts(self) -> Mapping[Verdict, int]:
        """Verdicts of the scenarios' own runs; controls and ablated runs are counted by their proofs."""
        own = [result.verdict for result in self.results if result.role == "scenario"]
        return {verdict: own.count(verdict) for verdict in Verdict}

    def to_json(self, relative: Callable[[Path | None], str | None]) -> dict[str, Any]:
        """As a JSON object; `relative` names a file relative to the run's folder."""
        return {
            "schema": SCHEMA,
            "complete": self.complete,
            "exit_status": self.exit_status,
            "run": dataclasses.asdict(self.info),
            "selection": list(self.selection),
            "counts": {verdict.value: count for verdict, count in self.counts.items()},
            "times": self.times.to_json(),
            "runs": [_run(result, relative) for result in self.results],
            "proofs": [_proof(proof) for proof in self.proofs],
            "findings": [finding.to_json() for finding in self.findings],
            **self.sections,
        }

    def text(self, relative: Callable[[Path | None], str | None], runs: RunTexts | None = None) -> str:
        """As the text of the file: strict JSON, in ASCII, with one line for each key and for each run.

        `runs`: the texts that were made for an earlier state of the same summary.
        """
        runs = runs or RunTexts()
        data = self.to_json(relative) | {"runs": None}
        texts = {key: _dumped(value) for key, value in data.items()}
        texts["runs"] = "[" + ",".join(f"\n{runs.of(result, relative)}" for result in self.results) + "\n]"
        return "{\n" + ",\n".join(f"{_dumped(key)}: {text}" for key, text in texts.items()) + "\n}\n"


class RunTexts:
    """The texts of runs that are over. Each is made once, though the file is written again after every run."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[RunResult, str]] = {}

    def of(self, result: RunResult, relative: Callable[[Path | None], str | None]) -> str:
        """The run as a JSON object."""
        # The result is kept beside its text, so that no other can get its identity.
        if id(result) not in self._made:
            self._made[id(result)] = (result, _dumped(_run(result, relative)))
        return self._made[id(result)][1]


def _dumped(data: Any) -> str:
    return json.dumps(_finite(data), allow_nan=False)


def _run(result: RunResult, relative: Callable[[Path | None], str | None]) -> dict[str, Any]:
    return {
        "id": result.key.id,
        "theme": result.theme,
        "profile": result.key.profile,
        "without": list(result.key.without),
        "role": result.role,
        "expected": result.expected.value,
        "verdict": result.verdict.value,
        "reason": result.reason,
        "failing_checks": list(result.failing_checks),
        "checks": [_check(check) for check in result.checks],
        "evidence": [_evidence(evidence) for evidence in result.evidence],
        "figures": dict(result.figures),
        "duration_s": result.duration_s,
        "overhead_s": result.overhead_s,
        "seed": result.seed,
        "repro": result.repro,
        "history": relative(result.history),
        "schedule": relative(result.schedule),
    }


def _check(check: CheckResult) -> dict[str, Any]:
    return {
        "name": check.name,
        "failed": check.failed,
        "reason": check.reason,
        "saw": check.saw,
        "observations": check.observations,
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return dataclasses.asdict(evidence) | {"fault": to_json(evidence.fault)}


def _proof(proof: ProofResult) -> dict[str, Any]:
    return {
        "id": proof.id,
        "proof": title(proof.proof),
        "protections": list(proof.proof.protections),
        "without": list(proof.proof.without),
        "under": proof.proof.under,
        "fails": proof.proof.fails,
        "match": proof.proof.match,
        "verdict": proof.judgement.verdict.value,
        "reason": proof.judgement.reason,
        "control": str(proof.control.key),
        "ablated": str(proof.ablated.key),
    }


def _finite(data: Any) -> Any:
    """JSON knows neither infinity nor NaN: they become null."""
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    return [_finite(item) for item in data] if isinstance(data, list) else data
