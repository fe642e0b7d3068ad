"""Events of a load: the capacity, the arrivals, and the disturbance."""

from __future__ import annotations

from dataclasses import dataclass

from harness.history.events.event import Event


@dataclass(frozen=True, repr=False)
class CapacityMeasured(Event, kind="capacity.measured"):
    """The service acknowledged `per_s` deliveries per second to `clients` clients that never pause."""

    per_s: float
    acknowledged: int
    clients: int


@dataclass(frozen=True, repr=False)
class LoadBegan(Event, kind="load.began"):
    """From now on `per_s` new requests arrive each second. `load`: its number in this run, from 1.

    `patience_ms`: after this time a client hangs up and tries again, `retries` times at most.
    """

    load: int
    per_s: float
    patience_ms: float
    retries: int


@dataclass(frozen=True, repr=False)
class LoadEnded(Event, kind="load.ended"):
    """The arrivals have ended. `late_ms`: the most by which the harness sent one later than planned."""

    load: int
    arrived: int
    late_ms: float


@dataclass(frozen=True, repr=False)
class DisturbanceBegan(Event, kind="disturbance.began"):
    """The scenario disturbs the service from now on. `number`: the disturbance's number in this run, from 1."""

    number: int


@dataclass(frozen=True, repr=False)
class DisturbanceGone(Event, kind="disturbance.gone"):
    """The disturbance is over. After `within_s` the goodput must be back to `to` of its value before."""

    number: int
    within_s: float
    to: float


@dataclass(frozen=True, repr=False)
class GoodputWatched(Event, kind="goodput.watched"):
    """Enough time has passed to judge the recovery after that disturbance."""

    number: int
