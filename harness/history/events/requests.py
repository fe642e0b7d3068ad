"""What the clients sent and got, and what the answers say about the service's state."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from harness.history.events.event import Event
from harness.vocabulary import Outcome, Value


class Purpose(enum.StrEnum):
    """Why a request was sent. Only `scenario` requests are judged by what their step expects."""

    WARM = "warm"
    HEALTHY = "healthy"
    CONTRACT = "contract"
    SCENARIO = "scenario"
    RECOVERY = "recovery"
    AGAIN = "again"
    SAMPLE = "sample"
    """The service's health, asked by the harness beside what the scenario does."""


class Asks(enum.StrEnum):
    """What a request asks from the service. Each kind is judged by its own part of the contract."""

    DELIVER = "deliver"
    """Store this delivery. It is valid, so it must not get a final no."""
    READ = "read"
    """Show this stored delivery."""
    READ_UNSENT = "read_unsent"
    """Read an id that had not been sent."""
    TAKEN = "taken"
    """Store another body under an id that is taken."""
    WRONG = "wrong"
    """Store a delivery that must be rejected."""
    CHANGE = "change"
    """Change what is stored of this delivery, or remove it."""
    READ_CHANGED = "read_changed"
    """Show what is stored of a delivery that the harness changes."""
    HEALTH = "health"
    """Say whether you are alive, or ready."""


def id_of(delivery: str) -> str:
    """Return the id of a delivery alone, from its name `SOURCE/ID`, or `ID` if it is of the target's own source."""
    return delivery.rpartition("/")[2]


@dataclass(frozen=True, repr=False)
class RequestSent(Event, kind="request.sent"):
    """One request about one delivery. `digest` is the SHA-256 of its body; empty for one that removes the delivery.

    `asks`: one of `Asks`. `name`: the target's name for the request, such as `unsigned`; empty for a plain delivery.
    `owed`: the outcomes that the contract allows for it, given the faults in force when it was sent; None: only what
    its step expects. `load`: the number of its `LoadBegan`; 0: none. `attempt`: from 1. `patience_ms`: when its client
    hangs up; None: it waits as long as the run does.
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
    load: int = 0
    attempt: int = 1
    patience_ms: float | None = None

    @property
    def delivery_id(self) -> str:
        """The delivery's id alone, as in the relay's reports and a log. Several sources may use the same id."""
        return id_of(self.delivery)

    @property
    def reads(self) -> bool:
        """Whether it read a delivery that was sent."""
        return self.asks == Asks.READ

    @property
    def delivers(self) -> bool:
        """Whether it is a valid delivery."""
        return self.asks == Asks.DELIVER


@dataclass(frozen=True, repr=False)
class RequestEnded(Event, kind="request.ended"):
    """The end of that attempt. `waiting_for`: links on which the service had sent something and got no answer.

    `headers`: the answer's, each as `name: value`, long ones truncated. `lacks`: names of headers that the contract
    demands of such an answer, but that it lacks. `shown`: the SHA-256 of the body that a read showed. `hung_up_at`: the
    moment at which the client closed its connection instead of waiting. `paused_ms`: the longest time between two
    pieces of the answer; None if no whole answer came, or its connection had carried no other before. `tells_away`:
    links that an answer about health calls away. `given`: the id that the service gave to the delivery.
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
    hung_up_at: Value | None = None
    paused_ms: float | None = None
    tells_away: tuple[str, ...] = ()
    given: str = ""


@dataclass(frozen=True, repr=False)
class Healthy(Event, kind="healthy"):
    """Steady state: the median answer before any fault."""

    median_ms: float
    answers: int


@dataclass(frozen=True, repr=False)
class NotSteady(Event, kind="not_steady"):
    """Steady state was not reached. Before the scenario: nothing can be concluded. After it: no recovery.

    `not_started`: the service did not start at all. `waited_s`: how long the harness waited; 0 if it asked once, or the
    service ended.
    """

    reason: str
    not_started: bool = False
    waited_s: float = 0.0


@dataclass(frozen=True, repr=False)
class Recovered(Event, kind="recovered"):
    """Time from the last heal to the first acknowledged delivery."""

    took_ms: float


@dataclass(frozen=True, repr=False)
class NotRecovered(Event, kind="not_recovered"):
    """After the last heal no delivery was acknowledged in time."""

    within_s: float
    reason: str
