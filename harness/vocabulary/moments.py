"""Moments that a scenario can wait for. They are values; the runner checks whether they have come."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

from harness.errors import UsageError
from harness.vocabulary.figures import Metric
from harness.vocabulary.outcome import ANY_OUTCOME, Outcome
from harness.vocabulary.refusals import an_expression, at_least_one, some_outcome
from harness.vocabulary.value import Value

REACHED_AT_ONCE = "is reached before anything happens"


@dataclass(frozen=True, repr=False)
class Moment(Value):
    """An event or state that `lab.until` can wait for, or at which a fault can strike.

    For example::

        await lab.until(postgres.idle(at_least=2))
        await lab.inject(process.kill(at=service.answers(at_least=10)))

    Links, `service` and faults (`fired`) give them. A *claim* is a moment that the service must reach: if it does not,
    the scenario has failed, by the check `reached`. Any other moment is a precondition of the scenario: if it does not
    come, the run is inconclusive.
    """

    claim: ClassVar[bool] = False


@dataclass(frozen=True, repr=False)
class Answers(Moment, kind="service.answers"):
    """At least `at_least` answers with this outcome have come since the last `inject` or `heal` began. A claim."""

    claim: ClassVar[bool] = True
    at_least: int
    outcome: Outcome = field(default=ANY_OUTCOME)

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(self.kind, "at_least", self.at_least, REACHED_AT_ONCE)
        some_outcome(self.kind, "outcome", self.outcome)


@dataclass(frozen=True, repr=False)
class AlertFires(Moment, kind="service.alert"):
    """The alert with this name fires, in a block of `lab.alerts`. A claim."""

    claim: ClassVar[bool] = True
    name: str


@dataclass(frozen=True, repr=False)
class MetricIs(Moment, kind="service.metric_is"):
    """One of the service's own metrics is now within these limits. A claim. `labels`: as in `Metric`."""

    claim: ClassVar[bool] = True
    name: str
    labels: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None

    def __repr__(self) -> str:
        """The call that builds it."""
        limits = {"at_least": self.at_least, "at_most": self.at_most}
        given = {**dict(self.metric.pairs()), **{name: each for name, each in limits.items() if each is not None}}
        return f"{self.kind}({', '.join([repr(self.name), *(f'{name}={each!r}' for name, each in given.items())])})"

    @property
    def metric(self) -> Metric:
        """The metric with its labels."""
        return Metric(self.name, self.labels)

    def within(self, value: float) -> bool:
        """Whether a value is within the limits."""
        low = -math.inf if self.at_least is None else self.at_least
        return low <= value <= (math.inf if self.at_most is None else self.at_most)

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.metric  # refuses a text that is not a name
        if self.at_least is None and self.at_most is None:
            mend = "say at_least=, at_most=, or both"
            raise UsageError.at(self.kind, "at_most", None, "without a limit any value would hold", mend=mend)


@dataclass(frozen=True, repr=False)
class ServiceLogged(Moment, kind="service.logged"):
    """The service's log has, since the last `inject` or `heal` began, a line that the expression finds."""

    pattern: str

    def __post_init__(self) -> None:
        super().__post_init__()
        an_expression(self.kind, "pattern", self.pattern)
