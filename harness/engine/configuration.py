"""The settings of one run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.history import Entry
from harness.history.events import RunBegan
from harness.results import Role, RunKey
from harness.results.repro import gate_line
from harness.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfiguration:
    """How to run. `folder`: where history, schedule and the service's log go.

    `patience_s`: the clients' own limit; by default little more than the target's deadline, so that clients do not wait
    for a stall to end. `scenario_within_s`: a scenario that takes longer is cut short; by default as the target says.
    `repro`: writes the line that repeats a run, from its key and seed. `unwritten` is called with a file that could not
    be written, and the reason. The run goes on without the file.
    """

    profile: str
    without: tuple[str, ...] = ()
    seed: int = 0
    patience_s: float | None = None
    scenario_within_s: float | None = None
    folder: Path
    role: Role = "scenario"
    watch: Callable[[Entry], None] | None = None
    repro: Callable[[RunKey, int], str] = gate_line
    unwritten: Callable[[Path, str], None] | None = None


def run_began(
    run_id: str, target: Target, configuration: RunConfiguration, *, at_rest: tuple[str, ...] = ()
) -> RunBegan:
    """Return the head of a history that begins now. `at_rest`: see `RunBegan`."""
    return RunBegan(
        run_id, configuration.profile, configuration.without, configuration.seed, str(target.path),
        target.description.limits.request_deadline_ms, dt.datetime.now(dt.UTC).isoformat(), at_rest,
        target.description.contract.repeat_is_same, tuple(target.description.health.ready_needs),
        tuple(target.description.health.alive_needs), target.description.health.within_ms,
        () if target.description.health.tells_away is None else tuple(target.description.links),
        target.description.limits.stop_ms, target.description.health.ready_again_ms,
        target.description.stored.digests, target.description.stored.within_ms,
    )  # fmt: skip
