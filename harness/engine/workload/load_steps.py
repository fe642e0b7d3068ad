"""The steps of a load: measure the capacity, send at given times, and expect that the service recovers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from harness.engine.steps import CLIENTS_MAX, REQUESTS_MAX, WAIT_MAX_S, Step
from harness.errors import UsageError
from harness.vocabulary import ACKNOWLEDGED, Outcome
from harness.vocabulary.refusals import DAY_S, at_least_one, some_outcome

RETRIES_MAX = 100
LOAD_MAX = 100.0
"""The highest multiple of the capacity: a larger load would only measure the harness."""


@dataclass(frozen=True, repr=False)
class Capacity(Step, kind="capacity"):
    """Measure how many deliveries per second the service acknowledges to `clients` clients that never pause."""

    clients: int = field(kw_only=True)
    for_s: float = field(default=0.5, kw_only=True)
    again: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(self.kind, "clients", self.clients, "does nothing")
        if self.clients > CLIENTS_MAX:
            problem = "is more than the sockets of one machine allow"
            raise UsageError.at(self.kind, "clients", self.clients, problem, mend=f"write {CLIENTS_MAX} or less")
        _some_time(self.kind, "for_s", self.for_s)


@dataclass(frozen=True, repr=False)
class Arrivals(Step, kind="arrivals"):
    """Requests arrive at their times, whether or not earlier ones were answered.

    `rate_per_s`: the rate, or `of_capacity` times what the last `capacity` measured. `for_s`: how long; None: while the
    block runs. `patience_ms`: after this time a client hangs up; it tries again, `retries` times at most.
    """

    entered: ClassVar[bool] = True
    rate_per_s: float | None = field(default=None, kw_only=True)
    of_capacity: float | None = field(default=None, kw_only=True)
    for_s: float | None = field(default=None, kw_only=True)
    patience_ms: float = field(kw_only=True)
    retries: int = field(default=0, kw_only=True)
    expect: Outcome = field(default=ACKNOWLEDGED, kw_only=True)
    again: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_rate()
        if self.for_s is not None:
            _some_time(self.kind, "for_s", self.for_s)
        if not 0 < self.patience_ms <= 1000 * DAY_S:
            problem = "such a client waits for nothing" if self.patience_ms <= 0 else "no client waits so long"
            mend = f"write more than 0, and {1000 * DAY_S:g} at most"
            raise UsageError.at(self.kind, "patience_ms", self.patience_ms, problem, mend=mend)
        if not 0 <= self.retries <= RETRIES_MAX:
            raise UsageError.at(self.kind, "retries", self.retries, "out of range", mend=f"write 0 to {RETRIES_MAX}")
        some_outcome(self.kind, "expect", self.expect)

    def _check_rate(self) -> None:
        given = [name for name in ("rate_per_s", "of_capacity") if getattr(self, name) is not None]
        if len(given) != 1:
            problem = "both say how many arrive" if given else "nothing says how many arrive"
            mend = "write one of the two: rate_per_s=20, or of_capacity=0.6 after lab.capacity(...)"
            raise UsageError.at(self.kind, "rate_per_s, of_capacity", given, problem, mend=mend)
        for name, most in (("rate_per_s", float(REQUESTS_MAX)), ("of_capacity", LOAD_MAX)):
            number = getattr(self, name)
            if number is not None and not 0 < number <= most:
                problem = "nothing arrives" if number <= 0 else "is more than the harness itself could send"
                raise UsageError.at(self.kind, name, number, problem, mend=f"write more than 0, and {most:g} at most")


@dataclass(frozen=True, repr=False)
class ComesBack(Step, kind="comes_back"):
    """The block disturbs the service. `within_s` after its end the goodput must be at least `to` of what it was before.

    At its beginning it lets the load arrive undisturbed for a while. At its end it waits for the limit, and then for
    one more second, over which the goodput is judged.
    """

    awaited: ClassVar[bool] = False
    entered: ClassVar[bool] = True
    within_s: float = field(kw_only=True)
    to: float = field(default=0.7, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        _some_time(self.kind, "within_s", self.within_s)
        if not 0 < self.to <= 1:
            mend = "write the share of the earlier goodput, more than 0 and 1 at most"
            raise UsageError.at(self.kind, "to", self.to, "is no share", mend=mend)


def _some_time(place: str, name: str, seconds: float) -> None:
    if not 0 < seconds <= WAIT_MAX_S:
        mend = f"write more than 0, and {WAIT_MAX_S:g} at most"
        raise UsageError.at(place, name, seconds, "no time, or more than a scenario has", mend=mend)


def has_an_end(step: Step) -> None:
    """Refuse an awaited load that would never end. Raises UsageError."""
    if isinstance(step, Arrivals) and step.for_s is None:
        raise UsageError.at(
            step.kind, "for_s", None, "no argument says when they end", mend="write for_s=1, or a block"
        )
