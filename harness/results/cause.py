"""Why runs failed. One cause may show in many places, and is one finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from harness.checks import CheckResult, Verdict, most_telling
from harness.results.result import Evidence, RunResult
from harness.vocabulary import Json, Link, Value

PlaceT = TypeVar("PlaceT")
SERVICE = "the service"
ONE_CAUSE: Mapping[str, str] = {"never_denied": "valid_is_not_rejected"}
"""If a valid request gets a final no, both checks fail if it repeats an acknowledged delivery, otherwise only the
second.

It is one cause, under the check that always fails."""


@dataclass(frozen=True, slots=True, order=True)
class Cause:
    """Failures with equal causes are one finding.

    `check`: the most telling one that failed. `symptom`: the part of its sentence that is the same in each place, such
    as how the requests ended; may be empty. `where`: the links and other things that were broken.
    """

    check: str
    symptom: tuple[str, ...] = ()
    where: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """Its fields by name."""
        return {"check": self.check, "symptom": list(self.symptom), "where": list(self.where)}

    def __str__(self) -> str:
        """One line: `outcome (unknown, status 500), where postgres was broken`."""
        seen = f" ({'; '.join(self.symptom)})" if self.symptom else ""
        return f"{self.check}{seen}{f', where {_joined(self.where)} was broken' if self.where else ''}"


def _joined(names: Sequence[str]) -> str:
    return " and ".join(names)


@dataclass(slots=True)
class Found(Generic[PlaceT]):
    """One finding: a cause, and every place in which it showed."""

    cause: Cause
    places: list[PlaceT] = field(default_factory=list)


def by_cause(causes: Iterable[tuple[Cause, PlaceT]]) -> Sequence[Found[PlaceT]]:
    """Group places by their causes, those with the most places first.

    What fails in the same way with nothing broken has no fault for its cause.
    """
    told = list(causes)
    unbroken = {cause for cause, _ in told if cause.symptom and not cause.where}
    found: dict[Cause, Found[PlaceT]] = {}
    for cause, place in told:
        bare = Cause(cause.check, cause.symptom)
        each = bare if bare in unbroken else cause
        found.setdefault(each, Found(each)).places.append(place)
    return sorted(found.values(), key=lambda each: -len(each.places))


def cause_of(result: RunResult) -> Cause | None:
    """The cause of a run that failed and should have held; None for any other run."""
    first = _telling(result.failing)
    if result.verdict is not Verdict.FAILED or result.expected is not Verdict.HELD or first is None:
        return None
    return Cause(first.name, first.symptom, tuple(sorted(set(_struck(result.evidence)))))


def _telling(failing: Sequence[CheckResult]) -> CheckResult | None:
    """The most telling failure, or a failure of the same deliveries that represents it."""
    first = most_telling(failing)
    if first is None:
        return None
    alike = (each for each in failing if each.name == ONE_CAUSE.get(first.name))
    return next((each for each in alike if set(first.deliveries) <= set(each.deliveries)), first)


def _struck(evidence: Iterable[Evidence]) -> Iterator[str]:
    for each in evidence:
        if each.fault is not None:
            yield struck_by(each.fault)


def struck_by(fault: Value) -> str:
    """The link that a fault strikes, by its name; the service itself for one that strikes at no link."""
    at = getattr(fault, "at", None)
    for link in (getattr(fault, "link", None), getattr(at, "link", None)):
        if isinstance(link, Link):
            return link.name
    return SERVICE
