"""What can be waited for. A moment is a value: looking whether it has come is the runner's work."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from harness.errors import UsageError
from harness.vocabulary.outcome import ANY_OUTCOME, Outcome
from harness.vocabulary.value import Value


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


@dataclass(frozen=True, repr=False)
class ServiceLogged(Moment, kind="service.logged"):
    """The service's log has, since the last `inject` or `heal` began, a line that the expression finds."""

    pattern: str


def at_least_one(kind: str, at_least: int) -> int:
    """Refuse a moment that is reached before anything happened."""
    if at_least < 1:
        raise UsageError.at(kind, "at_least", at_least, "is reached before anything happens", mend="1 or more")
    return at_least
