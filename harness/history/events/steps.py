"""What was run and what the scenario did: its steps, what it waited for, and what broke it."""

from __future__ import annotations

from dataclasses import dataclass

from harness.history.events.event import Event
from harness.vocabulary import Value


@dataclass(frozen=True, repr=False)
class RunBegan(Event, kind="run.began"):
    """The head of every history: who ran what, under which deadline, and one wall-clock anchor.

    `wall_clock` is ISO 8601, UTC. `at_rest`: the names (`AtRest.name`) of everything that must be checked
    before the run may be held. `repeat_is_same`: a repeat owes the first answer, to the byte. `ready_needs`,
    `alive_needs`: the links without which the service may say that it is not ready, or not alive. `health_within_ms`:
    how long its answer may take; None: it is not judged. `tells_away`: the links that its answer names when they are
    away. `stop_ms`: how long its end may take; None: it is not judged. `ready_again_ms`: how soon it must say that it
    is ready while nothing is broken; None: it is not judged.
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
    """The end of a step; `problem` is what broke it, if anything did."""

    number: int
    problem: str | None = None


@dataclass(frozen=True, repr=False)
class MomentReached(Event, kind="moment.reached"):
    """What `until` waited for has come. `detail`: what was seen."""

    moment: Value
    detail: str


@dataclass(frozen=True, repr=False)
class MomentMissed(Event, kind="moment.missed"):
    """What `until` waited for did not come in time. `detail`: what was seen instead. `claim`: see `Moment`."""

    moment: Value
    claim: bool
    within_s: float
    detail: str


@dataclass(frozen=True, repr=False)
class ScenarioProblem(Event, kind="scenario.problem"):
    """An assertion of the scenario's own failed. `wrong`: no assertion, the scenario's own Python makes no sense."""

    text: str
    wrong: bool = False


@dataclass(frozen=True, repr=False)
class HarnessProblem(Event, kind="harness.problem"):
    """The harness itself broke, or lacked something: never proof of anything."""

    text: str


@dataclass(frozen=True, repr=False)
class MachineLacks(Event, kind="machine.lacks"):
    """The machine cannot run this scenario."""

    need: str
    reason: str
