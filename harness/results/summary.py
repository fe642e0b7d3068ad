"""Writes `summary.json`: the whole outcome of a run of the suite, for programs."""

from __future__ import annotations

import dataclasses
import enum
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from harness.checks import Verdict
from harness.results.ablation import ProofResult
from harness.results.finding import Finding
from harness.results.model import SCHEMA, ProofRead, RunInfo, RunRead, SummaryRead
from harness.results.result import RunResult


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
        """The remaining time."""
        return max(0.0, self.total_s - self.stack_s - self.scenarios_s)

    def to_json(self) -> dict[str, float]:
        """Return the times by name, rounded to the millisecond."""
        return {
            name: round(seconds, 3) for name, seconds in (*dataclasses.asdict(self).items(), ("rest_s", self.rest_s))
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The content of `summary.json`. `complete`: every selected scenario was run and judged.

    `sections`: further results, such as `ablation` and `baseline`, as JSON objects by name. `findings`: the problems in
    them.
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
        """Verdicts of the scenarios' own runs; controls and ablated runs are counted by their proofs.

        But a scenario is also unavailable if this machine can do its own run and not one of the others.
        """
        own = {result.key.id: result.verdict for result in self.results if result.role == "scenario"}
        verdicts = [result.verdict for result in self.results if result.role == "scenario"]
        lacking = {
            each.key.id for each in self.results if each.role != "scenario" and each.verdict is Verdict.UNAVAILABLE
        }
        verdicts += [Verdict.UNAVAILABLE for name in lacking if own.get(name) is not Verdict.UNAVAILABLE]
        return {verdict: verdicts.count(verdict) for verdict in Verdict}

    @property
    def idle_checks(self) -> Sequence[str]:
        """The checks that had nothing to judge in any run, in their order.

        None for a single scenario, where this means nothing.
        """
        if len({result.key.id for result in self.results}) == 1:
            return []
        checks = [check for result in self.results for check in result.checks]
        judged = {check.name for check in checks if check.observations or check.failed}
        return [name for name in dict.fromkeys(check.name for check in checks) if name not in judged]

    def read(self, relative: Callable[[Path | None], str | None]) -> SummaryRead:
        """Return the content in the model that readers of the file use.

        `relative` names a file relative to the run's folder.
        """
        runs = [RunRead.of(result, relative) for result in self.results]
        return SummaryRead.model_validate(self._head() | {"runs": runs})

    def to_json(self, relative: Callable[[Path | None], str | None]) -> dict[str, Any]:
        """Return the whole summary as a JSON object."""
        runs = [_json(RunRead.of(result, relative)) for result in self.results]
        return {**_json(self._head()), "runs": runs}

    def text(self, relative: Callable[[Path | None], str | None], runs: RunTexts | None = None) -> str:
        """As the text of the file: strict JSON, in ASCII, with one line for each key and for each run.

        `runs`: the texts that were made for an earlier state of the same summary.
        """
        runs = runs or RunTexts()
        texts = {key: _dumped(value) for key, value in self._head().items()}
        texts["runs"] = "[" + ",".join(f"\n{runs.of(result, relative)}" for result in self.results) + "\n]"
        return "{\n" + ",\n".join(f"{_dumped(key)}: {text}" for key, text in texts.items()) + "\n}\n"

    def _head(self) -> dict[str, Any]:
        """Return everything but the runs, whose position is kept."""
        return {
            "schema": SCHEMA,
            "complete": self.complete,
            "exit_status": self.exit_status,
            "run": self.info,
            "selection": list(self.selection),
            "counts": {verdict.value: count for verdict, count in self.counts.items()},
            "times": self.times.to_json(),
            "runs": [],
            "proofs": [ProofRead.of(proof) for proof in self.proofs],
            "findings": list(self.findings),
            **self.sections,
        }


class RunTexts:
    """The texts of finished runs. Each is made once, although the file is written again after every run."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[RunResult, str]] = {}

    def of(self, result: RunResult, relative: Callable[[Path | None], str | None]) -> str:
        """The run as a JSON object."""
        # The result is kept beside its text, so that no other can get its identity.
        if id(result) not in self._made:
            self._made[id(result)] = (result, _dumped(RunRead.of(result, relative)))
        return self._made[id(result)][1]


def _dumped(data: Any) -> str:
    return json.dumps(_json(data), allow_nan=False)


def _json(data: Any) -> Any:
    """Convert a summary's values into plain JSON. Infinity and NaN become null, because JSON has neither."""
    if isinstance(data, BaseModel):
        return _json(data.model_dump())
    if dataclasses.is_dataclass(data) and not isinstance(data, type):
        return _json(dataclasses.asdict(data))
    if isinstance(data, enum.Enum):
        return data.value
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, Mapping):
        return {key: _json(value) for key, value in data.items()}
    return [_json(item) for item in data] if isinstance(data, list | tuple) else data
