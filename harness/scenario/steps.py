"""What a scenario does, as data. Python and a schedule file perform the same steps."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.errors import UsageError
from harness.faults.fault import Fault
from harness.vocabulary import ACKNOWLEDGED, Figure, Moment, Outcome, Value


@dataclass(frozen=True, repr=False)
class Step(Value):
    """One call of a verb of the lab."""

    def __repr__(self) -> str:
        """The call: `deliver(5, copies=2)`."""
        return super().__repr__()


@dataclass(frozen=True, repr=False)
class Deliver(Step, kind="deliver"):
    """Send `n` different deliveries, each in `copies`, all at once.

    `slower_ms_max` is how much longer than this run's own healthy answer each may take.
    """

    n: int = 1
    copies: int = field(default=1, kw_only=True)
    expect: Outcome = field(default=ACKNOWLEDGED, kw_only=True)
    slower_ms_max: float | None = field(default=None, kw_only=True)
    hang_up_at: Moment | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for name in ("n", "copies"):
            _positive("deliver", name, getattr(self, name))
        _some_outcome("deliver", self.expect)


@dataclass(frozen=True, repr=False)
class Traffic(Step, kind="traffic"):
    """`clients` clients, each sending the next delivery when the last is answered."""

    clients: int = field(kw_only=True)
    expect: Outcome = field(default=ACKNOWLEDGED, kw_only=True)
    slower_ms_max: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _positive("traffic", "clients", self.clients)
        _some_outcome("traffic", self.expect)


@dataclass(frozen=True, repr=False)
class Inject(Step, kind="inject"):
    """Bring faults about, in this order."""

    faults: tuple[Fault, ...]

    def __post_init__(self) -> None:
        _some_faults("inject", self.faults)


@dataclass(frozen=True, repr=False)
class Heal(Step, kind="heal"):
    """Heal faults by their values, in this order."""

    faults: tuple[Fault, ...]

    def __post_init__(self) -> None:
        _some_faults("heal", self.faults)


@dataclass(frozen=True, repr=False)
class Until(Step, kind="until"):
    """Wait for a moment. States are polled; events count since the last `inject` or `heal` began."""

    moment: Moment
    within_s: float = field(default=10.0, kw_only=True)

    def __post_init__(self) -> None:
        if self.within_s <= 0:
            raise UsageError.at("until", "within_s", self.within_s, "is over before it begins", mend="more than 0")


@dataclass(frozen=True, repr=False)
class Restart(Step, kind="restart"):
    """Stop and start the service; over when it is alive (not: ready)."""


@dataclass(frozen=True, repr=False)
class Expect(Step, kind="expect"):
    """Judge a figure at the end, over the whole scenario."""

    figure: Figure
    at_most: float = field(kw_only=True)


def _positive(place: str, name: str, value: int) -> None:
    if value < 1:
        raise UsageError.at(place, name, value, "does nothing", mend="1 or more")


def _some_outcome(place: str, expect: Outcome) -> None:
    if not expect:
        raise UsageError.at(place, "expect", expect, "no outcome could meet this", mend="ACKNOWLEDGED, say")


def _some_faults(place: str, faults: tuple[Fault, ...]) -> None:
    if not faults:
        raise UsageError.at(
            place, "faults", faults, "there is nothing to do", mend="name a fault, such as link.down(redis)"
        )
    for fault in faults:
        if not isinstance(fault, Fault):
            raise UsageError.at(place, "faults", fault, "is not a fault", mend="write link.down(redis), say")
