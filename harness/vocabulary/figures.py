"""Numbers that the history gives for the whole scenario."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.errors import UsageError
from harness.vocabulary.value import Value

METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


@dataclass(frozen=True, repr=False)
class Figure(Value):
    """A number to judge at the end, with `lab.expect`."""


@dataclass(frozen=True, repr=False)
class Metric(Figure, kind="service.metric"):
    """Increase of one of the service's own metrics, all its labels added up, over the scenario."""

    name: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if not METRIC.fullmatch(self.name):
            mend = "write the name as the service's /metrics has it"
            raise UsageError.at(self.kind, "name", self.name, "not a metric's name", mend=mend)
