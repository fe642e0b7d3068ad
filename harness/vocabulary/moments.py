"""What can be waited for. A moment is a value: looking whether it has come is the runner's work."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from harness.vocabulary.outcome import ANY_OUTCOME, Outcome
from harness.vocabulary.refusals import an_expression, at_least_one, some_outcome
from harness.vocabulary.value import Value

REACHED_AT_ONCE = "is reached before anything happens"


@dataclass(frozen=True, repr=False)
class Moment(Value):
    """Something that `lab.until` can wait for.

    A *claim* is what the service owes its clients: not reached is `failed`, check `reached`.
    Anything else is the ground the scenario stands on: not reached is `inconclusive`.
    """

    claim: ClassVar[bool] = False


@dataclass(frozen=True, repr=False)
class Answers(Moment, kind="service.answers"):
    """That many answers with such an outcome since the last `inject` or `heal` began. A claim."""

    claim: ClassVar[bool] = True
    at_least: int
    outcome: Outcome = field(default=ANY_OUTCOME)

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(self.kind, "at_least", self.at_least, REACHED_AT_ONCE)
        some_outcome(self.kind, "outcome", self.outcome)


@dataclass(frozen=True, repr=False)
class ServiceLogged(Moment, kind="service.logged"):
    """The service's log has, since the last `inject` or `heal` began, a line that the expression finds."""

    pattern: str

    def __post_init__(self) -> None:
        super().__post_init__()
        an_expression(self.kind, "pattern", self.pattern)
