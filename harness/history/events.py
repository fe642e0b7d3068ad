"""What a history can say: one frozen value for each kind of line.

The entry that holds an event has its time. Faults, steps, moments and figures are recorded as values
(`Value.to_json`): a sentence is made where it is shown. Texts are for people; a check judges fields only.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from harness.vocabulary import Figure, Outcome, Value


class Purpose(enum.StrEnum):
    """Why a request was sent. Only `scenario` requests are judged by what their step expects."""

    WARM = "warm"
    HEALTHY = "healthy"
    CONTRACT = "contract"
    SCENARIO = "scenario"
    RECOVERY = "recovery"
    AGAIN = "again"


class Asks(enum.StrEnum):
    """What a request asks of the service. Each kind is judged by its own part of the contract."""

    DELIVER = "deliver"
    """Store this delivery. It is right, so it must not get a final no."""
    READ = "read"
    """Show what is stored of this delivery."""
    READ_UNSENT = "read_unsent"
    """Show what is stored of an id that was never sent."""
    TAKEN = "taken"
    """Store another body under an id that is taken."""
    WRONG = "wrong"
    """Store what must be rejected."""
    HEALTH = "health"
    """Say whether you are alive, or ready."""


@dataclass(frozen=True, repr=False)
class Event(Value):
    """One line of a history."""

    def __post_init__(self) -> None:
        """Skip validation: only the harness creates events, in large numbers, and they are type-checked."""


@dataclass(frozen=True, repr=False)
class Named(Value, kind="named"):
    """Stands for a fault or a moment that is not in the vocabulary: a point of the fault space, an order.

    Its `repr` is the name alone.
    """

    name: str

    def __repr__(self) -> str:
        """Return the name."""
        return self.name


@dataclass(frozen=True, repr=False)
class RunBegan(Event, kind="run.began"):
    """The head of every history: who ran what, under which deadline, and one wall-clock anchor.

    `wall_clock` is ISO 8601, UTC. `at_rest`: the names (`AtRest.name`) of everything that must be checked
    before the run may be held. `repeat_is_same`: a repeat owes the first answer, to the byte.
    """

    id: str
    profile: str
    without: tuple[str, ...]
    seed: int
    target: str
    deadline_ms: float
    wall_clock: str
    at_rest: tuple[str, ...] = ()
    repeat_is_same: bool = True


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
class RequestSent(Event, kind="request.sent"):
    """One request about one delivery. `digest` is the SHA-256 of its body.

    `asks`: what it asked for, one of `Asks`. `name`: which of the target's requests it was, such as `unsigned`; empty
    for a delivery. `owed`: the outcomes that the contract allows for it, by what was in force when it was sent; None:
    only what its step expects.
    """

    request: int
    delivery: str
    digest: str
    body_bytes: int
    purpose: str
    expected: Outcome | None = None
    slower_ms_max: float | None = None
    asks: str = Asks.DELIVER.value
    name: str = ""
    owed: Outcome | None = None

    @property
    def reads(self) -> bool:
        """Whether it asked for what is stored of a delivery that was sent."""
        return self.asks == Asks.READ

    @property
    def delivers(self) -> bool:
        """Whether it is a valid delivery."""
        return self.asks == Asks.DELIVER


@dataclass(frozen=True, repr=False)
class RequestEnded(Event, kind="request.ended"):
    """The end of that attempt. `waiting_for`: links where the service had sent and not been answered.

    `headers`: the answer's, each as `name: value`, the long ones cut short. `lacks`: names of headers that the contract
    demands of such an answer, and that it does not have. `shown`: the SHA-256 of the body that a read showed.
    """

    request: int
    outcome: Outcome
    took_ms: float
    status: int | None = None
    answer: str = ""
    problem: str | None = None
    waiting_for: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    shown: str = ""


@dataclass(frozen=True, repr=False)
class FaultActed(Event, kind="fault.acted"):
    """A fault is in force, or was tried. `number` counts from 1, in the order of injection.

    `took_ms`: so long before this the harness began with it, and from then on it may have been felt.
    """

    number: int
    fault: Value
    took_ms: float = 0.0


@dataclass(frozen=True, repr=False)
class FaultHealed(Event, kind="fault.healed"):
    """The fault with this number is no longer in force. `instead`: what was seen, where it had no effect."""

    number: int
    instead: str = ""


@dataclass(frozen=True, repr=False)
class MessageMet(Value, kind="message_met"):
    """The message of a protocol that met a fault of the relay's, by the relay's report.

    `link`: its name, or a hop's. `connection` counts from 1 on its hop, `port` is the service's own.
    `direction`: `sent` or `answered`. `text`: the statement or command. `offset`: in bytes, where the
    message begins in its stream. `passed_bytes`: so much of it was passed on; `whole`: that was all of
    it. `code`: of the error that took its place, if one did.
    """

    link: str
    connection: int
    port: int
    message: str
    direction: str
    text: str
    offset: int
    passed_bytes: int
    whole: bool = False
    code: str = ""

    @property
    def told(self) -> str:
        """In one sentence, for people."""
        text = f" {self.text!r}" if self.text else ""
        return (
            f"{self.link}, connection {self.connection} (port {self.port}): {self.message} {self.direction}{text}, "
            f"at byte {self.offset} of the stream, {self.passed_bytes} bytes of it passed"
        )


@dataclass(frozen=True, repr=False)
class EvidenceSeen(Event, kind="evidence"):
    """Proof that the fault with this number took effect.

    `what`: the kind of evidence. `source`: who reports it. `at`: the message that met the fault, if one did.
    """

    number: int
    what: str
    source: str
    detail: str
    at: MessageMet | None = None


@dataclass(frozen=True, repr=False)
class ServiceStarted(Event, kind="service.started"):
    """The service listens and reports that it is alive."""

    pid: int
    port: int
    took_ms: float


@dataclass(frozen=True, repr=False)
class ServiceEnded(Event, kind="service.ended"):
    """The service's process has ended. `status` as in subprocess.

    `asked_by`: what ended it: a signal that a fault sent, a `stop`, the `end` of the run; empty if unknown.
    """

    pid: int
    status: int
    asked_by: str = ""


@dataclass(frozen=True, repr=False)
class ServiceNotStarted(Event, kind="service.not_started"):
    """The service was to start and did not come alive."""

    reason: str


@dataclass(frozen=True, repr=False)
class SessionLeaked(Event, kind="session.leaked"):
    """A session of the service's held a lock for `held_s` that the harness needed for `fault`, so the harness ended it.

    `state` and `query`: what it did last, according to the server (PostgreSQL: `pg_stat_activity`).
    """

    link: str
    pid: int
    state: str
    query: str
    held_s: float
    fault: Value

    @property
    def told(self) -> str:
        """In one sentence, for people."""
        return (
            f"a session of the service on {self.link} (pid {self.pid}, {self.state}, last {self.query!r}) "
            f"held a lock for {self.held_s:g} s, against {self.fault!r}: the harness ended it"
        )


@dataclass(frozen=True, repr=False)
class ServerDied(Event, kind="server.died"):
    """A server is gone, and the harness did not stop it.

    `fault`: what the scenario had this server do before, which may be why. `survived`: what the scenario had it do
    before, after which it still served the harness: that is not why. Both None: no fault had touched it.
    """

    name: str
    status: int
    log_tail: str
    fault: Value | None = None
    survived: Value | None = None

    @property
    def told(self) -> str:
        """Who died, and what no fault has to do with it; for people."""
        if self.survived is None:
            return f"{self.name} died, and no fault had touched it"
        return f"{self.name} died, and not of {self.survived!r}: it served the harness after that"


@dataclass(frozen=True, repr=False)
class ServerUnusable(Event, kind="server.unusable"):
    """What a fault had left of a server gave the harness an error. `doing`: what the harness did then.

    `over`: the run was over by then, and only what it had made there was to be removed.
    """

    fault: Value
    doing: str
    problem: str
    over: bool = False


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
class Healthy(Event, kind="healthy"):
    """Steady state: the median answer before any fault."""

    median_ms: float
    answers: int


@dataclass(frozen=True, repr=False)
class NotSteady(Event, kind="not_steady"):
    """Steady state was not reached. Before the scenario: nothing can be concluded. After it: no recovery.

    `not_started`: the service did not start at all.
    """

    reason: str
    not_started: bool = False


@dataclass(frozen=True, repr=False)
class Recovered(Event, kind="recovered"):
    """Time from the last heal to the first acknowledged delivery."""

    took_ms: float


@dataclass(frozen=True, repr=False)
class NotRecovered(Event, kind="not_recovered"):
    """After the last heal nothing was acknowledged in time."""

    within_s: float
    reason: str


@dataclass(frozen=True, repr=False)
class StoredRow(Value, kind="row"):
    """One id that the database holds, with its digest, that many times."""

    id: str
    digest: str
    copies: int = 1


@dataclass(frozen=True, repr=False)
class RowsRead(Event, kind="rows"):
    """Everything that the service has stored: read at rest, and once more when all was sent again."""

    rows: tuple[StoredRow, ...]


def rest_name(what: str, link: str = "") -> str:
    """The name of an `AtRest`."""
    return f"{what}: {link}" if link else what


@dataclass(frozen=True, repr=False)
class AtRest(Event, kind="at_rest"):
    """A number that must return to its limit once the service gets no more requests.

    `what`: `connections`, `busy connections` (both with the `link`), `checked_out`, `tasks` or `descriptors`.
    """

    what: str
    seen: float
    at_most: float
    link: str = ""

    @property
    def name(self) -> str:
        """What was counted: `tasks`, or `connections: postgres`."""
        return rest_name(self.what, self.link)


@dataclass(frozen=True, repr=False)
class RestUnknown(Event, kind="at_rest.unknown"):
    """What could not be counted at rest, because a fault had left the server of `link` so that it does not answer."""

    what: str
    link: str
    problem: str

    @property
    def name(self) -> str:
        """What was to be counted; see `AtRest.name`."""
        return rest_name(self.what, self.link)


@dataclass(frozen=True, repr=False)
class Counted(Event, kind="counted"):
    """How many there are of something from now on; recorded where that changes, and once more at the counting's end.

    `of`: a link's name, or `pool`. `what`: of a link `open` or `connecting`; of the pool a word of the target's.
    `seen`: None if it is unknown. `source`: who counted, `kernel` or `service`. `problem`: why it could not count.
    """

    of: str
    what: str
    seen: float | None
    source: str
    problem: str = ""


@dataclass(frozen=True, repr=False)
class CoreWait(Value, kind="core_wait"):
    """How long the threads of one part of a run (`service`, `relay`, `postgres`) were ready to run and had no core.

    `ran_ms`: how long they had one. Both are sums over threads.
    """

    of: str
    waited_ms: float
    ran_ms: float = 0.0


@dataclass(frozen=True, repr=False)
class CoresSeen(Event, kind="cores"):
    """Who waited for a core in the last `over_ms`, and how much of all cores (0 to 1) other programs took meanwhile.

    A failure that rests on a clock counts only while the machine had cores for the run. `cores`: how many there are.
    """

    over_ms: float
    waits: tuple[CoreWait, ...]
    others: float
    cores: int = 1


@dataclass(frozen=True, repr=False)
class FigureRead(Event, kind="figure"):
    """A number for which the scenario set a limit."""

    figure: Figure
    seen: float
    at_most: float | None = None
    at_least: float | None = None


@dataclass(frozen=True, repr=False)
class FigureUnknown(Event, kind="figure.unknown"):
    """A number that the scenario set a limit for, and that this run does not have: `reason` says why."""

    figure: Figure
    reason: str


@dataclass(frozen=True, repr=False)
class UnhandledLogged(Event, kind="unhandled"):
    """A line of the service's log that reports an unhandled exception."""

    line: str


@dataclass(frozen=True, repr=False)
class ServiceLog(Event, kind="service.log"):
    """What the service logged while the scenario ran."""

    text: str


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
