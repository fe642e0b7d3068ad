"""Reads a `summary.json` back: of this run, of an older one, or of one that another machine left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.checks import Verdict
from harness.errors import UsageError
from harness.results.ablation import PairVerdict
from harness.results.folder import LATEST
from harness.results.summary import SCHEMA

FILE = "summary.json"
ModelT = TypeVar("ModelT", bound=BaseModel)


class Read(BaseModel):
    """A part of the file. Keys that are not read here may be there, of this version or a later one."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class EvidenceRead(Read):
    """One piece of evidence."""

    kind: str


class RunRead(Read):
    """One run."""

    id: str
    theme: str = ""
    profile: str
    without: tuple[str, ...]
    role: Literal["scenario", "control", "ablated"]
    verdict: Verdict
    reason: str
    failing_checks: tuple[str, ...] = ()
    evidence: tuple[EvidenceRead, ...] = ()
    figures: Mapping[str, float | None] = {}
    duration_s: float
    repro: str = ""

    def figure(self, name: str) -> float | None:
        """One figure, where there is one."""
        return self.figures.get(name)


class ProofRead(Read):
    """One proof that was tried. `proof` is its title."""

    id: str
    proof: str
    protections: tuple[str, ...] = ()
    verdict: PairVerdict
    reason: str


class InfoRead(Read):
    """What was run."""

    id: str
    started_at: str
    command: str
    seed: int
    target: str
    profile: str
    revision: str = ""


class CoverageRead(Read):
    """The share of the fault space that was hit and judged."""

    percent: float


class SummaryRead(Read):
    """The whole file."""

    schema_: Literal["harness.summary/1"] = Field(alias="schema")
    complete: bool
    exit_status: int | None
    run: InfoRead
    selection: tuple[str, ...]
    runs: tuple[RunRead, ...]
    proofs: tuple[ProofRead, ...] = ()
    coverage: CoverageRead | None = None


def summary_file(given: Path) -> Path:
    """The summary that a user means: a file, a run's folder, or a folder of results, whose latest run counts."""
    for path in (given / FILE, given / LATEST / FILE):
        if path.is_file():
            return path
    return given


def read_summary(given: Path) -> SummaryRead:
    """Read a file, or a folder as `summary_file` has it. Raises UsageError."""
    path = summary_file(given)
    return summary_from(read_object(path, mend="name a run's folder, or its summary.json"), place=str(path))


def summary_from(data: Mapping[str, Any], *, place: str) -> SummaryRead:
    """Read a summary that is JSON already. Raises UsageError."""
    return checked(SummaryRead, data, place=place, schema=SCHEMA)


def read_object(path: Path, *, mend: str) -> Mapping[str, Any]:
    """Read a file that holds one JSON object. Raises UsageError."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise UsageError.at(str(path), "file", path.name, "there is no such file", mend=mend) from None
    except (OSError, ValueError, RecursionError) as problem:  # ValueError: no UTF-8, or no JSON
        raise UsageError.at(str(path), "file", path.name, f"cannot be read: {problem}", mend=mend) from problem
    if not isinstance(data, dict):
        raise UsageError.at(str(path), "file", path.name, "holds no JSON object", mend=mend)
    return data


def checked(model: type[ModelT], data: Mapping[str, Any], *, place: str, schema: str) -> ModelT:
    """Check what was read. Raises UsageError that names the place, the key, the value and the mend."""
    if data.get("schema") != schema:
        mend = "name a file of this kind, written by this version of the harness"
        raise UsageError.at(place, "schema", data.get("schema"), "another kind of file", valid=[schema], mend=mend)
    try:
        return model.model_validate(data)
    except ValidationError as problem:
        # Unknown keys first: a misspelt key is also a missing one, and the misspelling is the cause.
        error = min(problem.errors(), key=lambda each: each["type"] != "extra_forbidden")
        where = ".".join(str(part) for part in error["loc"][:-1])
        key = str(error["loc"][-1]) if error["loc"] else "file"
        value = None if error["type"] == "missing" else error["input"]
        told = f"{place}: {where}" if where else place
        valid = sorted(_keys(model, error["loc"][:-1])) if error["type"] == "extra_forbidden" else []
        mend = f"mend {key}, or have the file written anew"
        raise UsageError.at(told, key, value, error["msg"], valid=valid, mend=mend, sought=key) from problem


def _keys(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Names of the keys that a table of the file may have; none where that is not known."""
    return [] if location else [field.alias or name for name, field in model.model_fields.items()]
