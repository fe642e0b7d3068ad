"""`baseline.json`: the committed record of a good run. One line per key, sorted, so that diffs are easy to read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from harness.checks import Verdict
from harness.compare.differences import FACTOR
from harness.compare.record import ScenarioRecord, Speed, SuiteRecord
from harness.documents import Table, read_document
from harness.errors import UsageError
from harness.results.ablation import PairVerdict
from harness.results.files import write_atomically

FILE = "baseline.json"
SCHEMA: Literal["harness.baseline/1"] = "harness.baseline/1"
ALIKE = 2.0
"""If two times differ by at most this factor, they are the same for the record."""
ALIKE_MS = 100.0
MEND = "restore it from version control; only `harness baseline accept` writes it"


class ScenarioBaseline(Table):
    """The recorded result of one scenario."""

    verdict: Literal["held", "unavailable"]
    evidence: tuple[str, ...] = ()
    proves: tuple[str, ...] = ()
    """Titles of its proofs."""
    source: str
    healthy_ms: PositiveFloat | None = None
    worst_ms: PositiveFloat | None = None
    recovery_ms: PositiveFloat | None = None

    def record(self) -> ScenarioRecord:
        """Return it as a record, for comparing."""
        return ScenarioRecord(
            verdict=Verdict(self.verdict),
            evidence=self.evidence,
            speed=Speed(healthy_ms=self.healthy_ms, worst_ms=self.worst_ms, recovery_ms=self.recovery_ms),
            proofs=dict.fromkeys(self.proves, PairVerdict.PROVED),
            source=self.source,
        )


class Baseline(Table):
    """The whole file. `factor` and `coverage_floor_percent` may be edited; accepting keeps them.

    `fault_space_points`: how many points the committed fault space has at least.
    """

    schema_: Literal["harness.baseline/1"] = Field(default=SCHEMA, alias="schema")
    target: str
    profile: str
    factor: float = Field(default=FACTOR, ge=1)
    coverage_floor_percent: float | None = Field(default=None, ge=0, le=100)
    fault_space_points: PositiveInt | None = None
    protections: Mapping[str, tuple[str, ...]]
    """The ids of the scenarios that prove it."""
    scenarios: Mapping[str, ScenarioBaseline]

    def record(self) -> SuiteRecord:
        """Return it as a record, for comparing."""
        return SuiteRecord(
            scenarios={name: scenario.record() for name, scenario in self.scenarios.items()},
            protections=self.protections,
            fault_space_points=self.fault_space_points,
        )

    def text(self) -> str:
        """The file: sorted, one line for each key."""
        return "\n".join(_lines(self.model_dump(mode="json", by_alias=True, exclude_none=True), "")) + "\n"


def _lines(table: Mapping[str, Any], indent: str) -> Iterator[str]:
    yield "{"
    last = max(table, default=None)
    for key in sorted(table):
        comma = "" if key == last else ","
        value = table[key]
        if isinstance(value, dict) and value:
            first, *rest = _lines(value, indent + " ")
            yield f"{indent} {json.dumps(key)}: {first}"
            yield from rest[:-1]
            yield f"{indent} }}{comma}"
        else:
            yield f"{indent} {json.dumps(key)}: {json.dumps(value)}{comma}"
    yield indent + "}"


def read_baseline(path: Path, *, target: str) -> Baseline | None:
    """Read the file; None if it does not exist. Raises UsageError for a corrupt file, and for another target's."""
    if not path.exists():
        return None
    found = read_document(Baseline, path, schema=SCHEMA, mend=MEND)
    if found.target != target:
        mend = "name the target that it was recorded with, or another file with --baseline"
        raise UsageError.at(str(path), "target", found.target, "recorded of another service", valid=[target], mend=mend)
    return found


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write the file atomically. Raises UsageError if it cannot be written."""
    try:
        write_atomically(path, baseline.text())
    except OSError as problem:
        mend = "name a file that you may write, with --baseline"
        raise UsageError.at("baseline", "file", str(path), f"cannot be written: {problem}", mend=mend) from problem


def accepted(record: SuiteRecord, old: Baseline | None, *, target: str, profile: str) -> Baseline:
    """Return the baseline that a good run makes.

    Unchanged results keep their lines, even if figures differ slightly. So do scenarios that this machine cannot run.
    """
    before = old.scenarios if old else {}
    return Baseline(
        target=target,
        profile=profile,
        factor=old.factor if old else FACTOR,
        coverage_floor_percent=old.coverage_floor_percent if old else None,
        fault_space_points=record.fault_space_points,
        protections=_provers(record, old),
        scenarios={name: _scenario(found, before.get(name)) for name, found in record.scenarios.items()},
    )


def _provers(record: SuiteRecord, old: Baseline | None) -> Mapping[str, tuple[str, ...]]:
    found = {name: set(provers) for name, provers in record.protections.items()}
    absent = {name for name, scenario in record.scenarios.items() if scenario.verdict is Verdict.UNAVAILABLE}
    for name, provers in (old.protections if old else {}).items():
        kept = absent.intersection(provers)
        if kept:
            found[name] = found.get(name, set()) | kept
    return {name: tuple(sorted(provers)) for name, provers in found.items()}


def _scenario(found: ScenarioRecord, old: ScenarioBaseline | None) -> ScenarioBaseline:
    if found.verdict is Verdict.UNAVAILABLE:
        return old or ScenarioBaseline(verdict="unavailable", source=found.source)
    healthy, worst, recovery = _figures(found.speed, old)
    return ScenarioBaseline(
        verdict="held",
        evidence=found.evidence,
        proves=tuple(sorted(title for title, verdict in found.proofs.items() if verdict is PairVerdict.PROVED)),
        source=found.source,
        healthy_ms=healthy,
        worst_ms=worst,
        recovery_ms=recovery,
    )


def _figures(now: Speed, old: ScenarioBaseline | None) -> tuple[float | None, float | None, float | None]:
    new = (_rounded(now.healthy_ms), _rounded(now.worst_ms), _rounded(now.recovery_ms))
    if old is None:
        return new
    kept = (old.healthy_ms, old.worst_ms, old.recovery_ms)
    return kept if all(_alike(a, b) for a, b in zip(kept, new, strict=True)) else new


def _rounded(time_ms: float | None) -> float | None:
    return round(time_ms, 1) or 0.1 if time_ms is not None else None


def _alike(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return abs(a - b) <= ALIKE_MS or max(a, b) <= ALIKE * min(a, b)
