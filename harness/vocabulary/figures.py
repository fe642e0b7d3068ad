"""Numbers that the history gives for the whole scenario."""

from __future__ import annotations

from dataclasses import dataclass

from harness.vocabulary.value import Value


@dataclass(frozen=True, repr=False)
class Figure(Value):
    """A number to judge at the end, with `lab.expect`."""


@dataclass(frozen=True, repr=False)
class Metric(Figure, kind="service.metric"):
    """Increase of one of the service's own metrics, all its labels added up, over the scenario."""

    name: str
