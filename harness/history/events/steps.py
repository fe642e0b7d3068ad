"""What was run and what the scenario did: its steps, its waits, and its mistakes."""

from __future__ import annotations

from dataclasses import dataclass

from harness.history.events.event import Event
from harness.vocabulary import Value


@dataclass(frozen=True, repr=False)
class RunBegan(Event, kind="run.began"):
    """The head of every history: what was run, under which deadline, and one wall-clock time.

    `wall_clock` is ISO 8601, UTC. `at_rest`: the names (`AtRest.name`) of everything that must be checked before the
    run can be held. `repeat_is_same`: a repeat must get the first answer, byte for byte. `ready_needs`, `alive_needs`:
    the links without which the service may say that it is not ready, or not alive. `health_within_ms`: how long its
    answer may take; None: it is not judged. `tells_away`: the links that its answer names when they are away.
    `stop_ms`: how long its end may take; None: it is not judged. `ready_again_ms`: how soon it must say that it is
    ready while nothing is broken; None: it is not judged. `rows_show_bodies`: whether a stored row shows its
    body. `stored_within_ms`: how long after its acknowledgement a delivery may still not be stored.
    """

    id: str
    profile: str
    without: tuple[str, ...]
    seed: int
    target: str
    deadline_ms: float | None
    wall_clock: str
    at_rest: tuple[str, ...] = ()
    repeat_is_same: bool = True
    ready_needs: tuple[str, ...] = ()
    alive_needs: tuple[str, ...] = ()
    health_within_ms: float | None = None
    tells_away: tuple[str, ...] = ()
    stop_ms: float | None = None
    ready_again_ms: float | None = None
    rows_show_bodies: bool = True
    stored_within_ms: float = 0.0


@dataclass(frozen=True, repr=False)
class PhaseBegan(Event, kind="phase.began"):
    """`start`, `steady`, `scenario`, `heal`, `recovery`, `again`, `rest` or `rows`."""

    phase: str


@dataclass(frozen=True, repr=False)
class StepBegan(Event, kind="step.began"):
    """The scenario began a step. `number` is its place in the schedule, from 1."""

    number: int
    step: Value


@dataclass(frozen=True, repr=False)
class StepEnded(Event, kind="step.ended"):
    """The end of a step. `problem`: its error, if there was one."""

    number: int
    problem: str | None = None


@dataclass(frozen=True, repr=False)
class MomentReached(Event, kind="moment.reached"):
    """The moment for which `until` waited has come. `detail`: what was seen."""

    moment: Value
    detail: str


@dataclass(frozen=True, repr=False)
class MomentMissed(Event, kind="moment.missed"):
    """The moment for which `until` waited did not come in time. `detail`: what was seen instead.

    `claim`: see `Moment`.
    """

    moment: Value
    claim: bool
    within_s: float
    detail: str


@dataclass(frozen=True, repr=False)
class ScenarioProblem(Event, kind="scenario.problem"):
    """One of the scenario's own assertions failed.

    `wrong`: it is no assertion, but a mistake in the scenario's Python.
    """

    text: str
    wrong: bool = False


@dataclass(frozen=True, repr=False)
class HarnessProblem(Event, kind="harness.problem"):
    """The harness itself broke, or lacked something. This never proves anything."""

    text: str


@dataclass(frozen=True, repr=False)
class MachineLacks(Event, kind="machine.lacks"):
    """The machine cannot run this scenario."""

    need: str
    reason: str
