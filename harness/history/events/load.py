"""Events of a load: the capacity, the arrivals, and the disturbance."""

from __future__ import annotations

from dataclasses import dataclass

from harness.history.events.event import Event


@dataclass(frozen=True, repr=False)
class CapacityMeasured(Event, kind="capacity.measured"):
    """So many deliveries a second were acknowledged while so many clients never waited."""

    per_s: float
    acknowledged: int
    clients: int


@dataclass(frozen=True, repr=False)
class LoadBegan(Event, kind="load.began"):
    """From now on `per_s` new requests arrive each second. `load`: its number in this run, from 1.

    `patience_ms`: then a client hangs up, and tries again, `retries` times at most.
    """

    load: int
    per_s: float
    patience_ms: float
    retries: int


@dataclass(frozen=True, repr=False)
class LoadEnded(Event, kind="load.ended"):
    """No more of them arrive. `late_ms`: how much later than its time the harness sent one, at most."""

    load: int
    arrived: int
    late_ms: float


@dataclass(frozen=True, repr=False)
class DisturbanceBegan(Event, kind="disturbance.began"):
    """From now on the scenario disturbs the service. `number`: in this run, from 1."""

    number: int


@dataclass(frozen=True, repr=False)
class DisturbanceGone(Event, kind="disturbance.gone"):
    """The disturbance is over. After `within_s` the goodput must be back to `to` of its value before."""

    number: int
    within_s: float
    to: float


@dataclass(frozen=True, repr=False)
class GoodputWatched(Event, kind="goodput.watched"):
    """So much has happened by now that the return after that disturbance can be judged."""

    number: int
