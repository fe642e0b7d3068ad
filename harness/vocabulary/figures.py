"""Figures: numbers about the whole scenario, computed from its history."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.errors import UsageError
from harness.vocabulary.refusals import an_expression
from harness.vocabulary.value import Value

METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*=.*")


@dataclass(frozen=True, repr=False)
class Figure(Value):
    """A number about the whole scenario, which `lab.expect` limits.

    For example::

        lab.expect(service.metric("webhook_retries_total"), at_most=3)

    Links give `sends_per_request` and `connects_peak`, the service gives `metric`, `lines`, `bytes_per_request`,
    `rows_lost` and `without_writes`.
    """


@dataclass(frozen=True, repr=False)
class BytesPerRequest(Figure, kind="service.bytes_per_request"):
    """By how many bytes the service's memory grew for each request of the scenario, by the kernel's account."""

    def __repr__(self) -> str:
        """The expression that builds it."""
        return self.kind


@dataclass(frozen=True, repr=False)
class RowsLost(Figure, kind="service.rows_lost"):
    """How many acknowledged deliveries the new primary lacked, over all failovers."""

    def __repr__(self) -> str:
        """The expression that builds it."""
        return self.kind


@dataclass(frozen=True, repr=False)
class WithoutWrites(Figure, kind="service.without_writes"):
    """How long no delivery was acknowledged during a failover, as a multiple of the failover's own time."""

    def __repr__(self) -> str:
        """The expression that builds it."""
        return self.kind


@dataclass(frozen=True, repr=False)
class LinesLogged(Figure, kind="service.lines"):
    """How many lines of the service's log the expression finds, over the scenario."""

    pattern: str

    def __post_init__(self) -> None:
        super().__post_init__()
        an_expression(self.kind, "pattern", self.pattern)


@dataclass(frozen=True, repr=False)
class Metric(Figure, kind="service.metric"):
    """By how much one of the service's own metrics grew over the scenario.

    `labels`: `name=value` each; the samples that have all of them are added up.
    """

    name: str
    labels: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """The call that builds it."""
        words = [repr(self.name), *(f"{name}={value!r}" for name, value in self.pairs())]
        return f"service.metric({', '.join(words)})"

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Name and value of each label."""
        for label in self.labels:
            name, _, value = label.partition("=")
            yield name, value

    def __post_init__(self) -> None:
        super().__post_init__()
        if not METRIC.fullmatch(self.name):
            mend = "write the name as the service's /metrics has it"
            raise UsageError.at(self.kind, "name", self.name, "not a metric's name", mend=mend)
        for label in self.labels:
            if not LABEL.fullmatch(label):
                mend = "write name=value, such as reason=redis_failed"
                raise UsageError.at(self.kind, "labels", label, "not a label", mend=mend)
