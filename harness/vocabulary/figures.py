"""Numbers that the history gives for the whole scenario."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.errors import UsageError
from harness.vocabulary.value import Value

METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*=.*")


@dataclass(frozen=True, repr=False)
class Figure(Value):
    """A number to judge at the end, with `lab.expect`."""


@dataclass(frozen=True, repr=False)
class Metric(Figure, kind="service.metric"):
    """Increase of one of the service's own metrics over the scenario.

    `labels`: `name=value` each; what has them all is added up.
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
                raise UsageError.at(self.kind, "labels", label, "not a label", mend="write reason=redis_failed, say")
