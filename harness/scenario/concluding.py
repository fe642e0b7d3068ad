"""Turns a finished history into the result of its run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.checks import judge
from harness.checks.standstill import never_steady, unsteady
from harness.engine.configuration import RunConfiguration
from harness.engine.observing.reading import evidence_of, figures_of
from harness.history import History
from harness.history.events import NotSteady, ServiceLog
from harness.results import RunKey, RunResult
from harness.scenario.schedule import Move, Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Durations in seconds: of the whole run, and of the scenario's own part."""

    run_s: float
    scenario_s: float


@dataclass(frozen=True, slots=True)
class Moves:
    """What a scenario did, and whether the moves describe it completely."""

    moves: Sequence[Move]
    partial: bool


def conclude(
    key: RunKey,
    theme: str,
    configuration: RunConfiguration,
    history: History,
    path: Path | None,
    moves: Moves | None,
    times: Times,
) -> RunResult:
    """Judge the history, and write the schedule. `path`: the history's file, if it could be written."""
    judgement = judge(history)
    log = history.last(ServiceLog)
    return RunResult(
        key=key,
        theme=theme,
        verdict=judgement.verdict,
        reason=judgement.reason,
        checks=judgement.checks,
        evidence=evidence_of(history),
        figures=figures_of(history),
        duration_s=round(times.run_s, 3),
        overhead_s=round(times.run_s - times.scenario_s, 3),
        seed=configuration.seed,
        repro=configuration.repro(key, configuration.seed),
        history=path,
        schedule=None if moves is None else _written(moves, key, configuration),
        never_started=next((unsteady.reason for unsteady in history.of(NotSteady) if unsteady.not_started), ""),
        never_steady=never_steady(history),
        unsteady=unsteady(history),
        service_log=log.text if log else "",
        role=configuration.role,
    )


def _written(moves: Moves, key: RunKey, configuration: RunConfiguration) -> Path | None:
    """Write the schedule and return its file; None if it could not be written."""
    schedule = Schedule(
        id=key.id, profile=key.profile, without=key.without, seed=configuration.seed,
        partial=moves.partial, moves=tuple(moves.moves),
    )  # fmt: skip
    path = configuration.folder / "schedules" / f"{key}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        schedule.write(path)
    except OSError as problem:
        if configuration.unwritten is not None:
            configuration.unwritten(path, str(problem))
        return None
    return path
