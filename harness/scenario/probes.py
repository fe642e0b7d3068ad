"""What the service says of itself, by its Prometheus metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from harness.errors import HarnessError


@dataclass(frozen=True, slots=True)
class Sample:
    """One line of the metrics: `name{labels} value`."""

    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Probed:
    """The service's metrics at one moment."""

    samples: tuple[Sample, ...]

    @classmethod
    def parse(cls, text: str) -> Probed:
        """Read the text format of Prometheus."""
        families = text_string_to_metric_families(text)
        return cls(tuple(Sample(each.name, each.labels, each.value) for family in families for each in family.samples))

    def get(self, name: str, labels: Mapping[str, str] | None = None) -> float:
        """Add up the samples of one metric that have these labels; 0 where none has.

        Raises HarnessError when the service does not have the metric at all.
        """
        named = [sample for sample in self.samples if sample.name == name]
        if not named:
            known = ", ".join(sorted({sample.name for sample in self.samples}))
            raise HarnessError(f"the service has no metric {name!r}", hint=f"one of: {known[:600]}")
        wanted = (labels or {}).items()
        return sum(sample.value for sample in named if wanted <= sample.labels.items())
