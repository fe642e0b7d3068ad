"""Reads the service's own Prometheus metrics."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from harness.errors import HarnessError
from harness.stack.http.client import HttpClient, UnansweredError
from harness.stack.service.service import ServiceProcess
from harness.target import Target

ENDINGS = ("_total", "_count", "_sum", "_bucket")
"""Suffixes that Prometheus adds to a metric's name."""

PLAIN = "text/plain"
CONTENT_TYPES = (PLAIN, "application/openmetrics-text", "application/vnd.google.protobuf")
"""Since version 3 Prometheus refuses a scrape with another content type, or none."""
LABEL = re.compile(r'[{,]\s*(\w+)="((?:[^"\\]|\\.)*)"')
WORD = re.compile(r"(?:# TYPE )?([^\s#{]+)")
ANSWERED_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One line of the metrics: `name{labels} value`."""

    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Probed:
    """The service's metrics at one moment, in the text format of Prometheus.

    `pid`: the process that they belong to. `content_type`: the answer's; empty if it had none. `status`: the answer's;
    if it is not 2xx, the text may not be metrics.
    """

    text: str
    pid: int = 0
    content_type: str = PLAIN
    status: int = 200

    def get(self, name: str, labels: Mapping[str, str] | None = None) -> float:
        """Return the sum of a metric's samples with these labels; 0 if none was counted yet.

        If a service shows labels at 0, it shows every label that it has, so a missing one is unknown. Otherwise it may
        not have counted any yet, so only the names of the labels are checked. Raises HarnessError for a metric, or a
        label, that the service does not have.
        """
        named = _about(name, self.text) or _named(name, self.text)
        if not named and not self._has_family(name):
            known = ", ".join(sorted({sample.name for sample in _samples(self.text)}))
            raise HarnessError(f"the service has no metric {name!r}", hint=f"one of: {known[:600]}")
        wanted = dict(labels or {})
        found = [sample for sample in named if wanted.items() <= sample.labels.items()]
        if named and not found:
            _check_labels(name, named, wanted)
        return sum(sample.value for sample in found)

    @property
    def is_shown(self) -> bool:
        """Whether the answer is metrics, and not something else."""
        return self.status // 100 == 2

    def shows(self, name: str, labels: Mapping[str, str]) -> bool:
        """Return whether the metric has a sample with these labels."""
        named = _about(name, self.text)
        return any(labels.items() <= sample.labels.items() for sample in named)

    def values(self, label: str) -> frozenset[str]:
        """Return all values of a label, in any metric."""
        lines = (line for line in self.text.split("\n") if f"{label}=" in line and not line.startswith("#"))
        return frozenset(value for line in lines for name, value in LABEL.findall(line) if name == label)

    @property
    def is_taken(self) -> bool:
        """Whether Prometheus accepts an answer of that type."""
        return self.content_type.partition(";")[0].strip().lower() in CONTENT_TYPES

    def _has_family(self, name: str) -> bool:
        """Return whether the service declares the metric, even if it has not counted any yet."""
        families = {family.name for family in text_string_to_metric_families(self.text)}
        return any(name in (family, *(family + ending for ending in ENDINGS)) for family in families)


@functools.lru_cache(maxsize=128)
def _about(name: str, text: str) -> Sequence[Sample]:
    """The samples of one metric, cached: a run asks for each of its labels, and more than once."""
    return _named(name, _lines_about(name, text))


def _lines_about(name: str, text: str) -> str:
    """The lines that may be about one metric. Reading all lines takes ten times as long, and a run needs few, often."""
    return "\n".join(line for word, lines in _by_word(text).items() if word.startswith(name) for line in lines)


@functools.lru_cache(maxsize=2)
def _by_word(text: str) -> Mapping[str, Sequence[str]]:
    """The lines of values and types, by their first word: a run looks up some sixty metrics in one text."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for line in text.split("\n"):
        word = WORD.match(line)
        if word is not None:
            found[word[1]].append(line)
    return found


def _named(name: str, text: str) -> Sequence[Sample]:
    return [sample for sample in _samples(text) if sample.name == name]


def _samples(text: str) -> Iterator[Sample]:
    for family in text_string_to_metric_families(text):
        yield from (Sample(each.name, each.labels, each.value) for each in family.samples)


async def probe(target: Target, service: ServiceProcess) -> Probed | None:
    """Read the service's metrics; None if it offers none or has ended.

    Raises HarnessError if it runs and does not answer.
    """
    probes = target.description.probes
    if probes is None or not service.running:
        return None
    async with HttpClient(keep_alive=False) as client:
        try:
            answer = await client.get(service.port, probes.metrics, within_s=ANSWERED_WITHIN_S)
        except (UnansweredError, TimeoutError) as problem:
            if service.process.poll() is not None:
                return None  # the process has ended: another check reports that
            raise HarnessError(f"the service's {probes.metrics} cannot be read: {problem!r}") from problem
    given = dict(answer.headers).get("content-type", "")
    return Probed(answer.text, pid=service.process.pid, content_type=given, status=answer.status)


def _check_labels(name: str, named: Sequence[Sample], wanted: Mapping[str, str]) -> None:
    for label, value in wanted.items():
        values = sorted({sample.labels[label] for sample in named if label in sample.labels})
        if not values:
            names = ", ".join(sorted({each for sample in named for each in sample.labels})) or "none"
            raise HarnessError(f"the service's metric {name!r} has no label {label!r}", hint=f"it has: {names}")
        if value not in values and any(sample.value == 0 for sample in named):
            problem = f"the service's metric {name!r} has no {label} {value!r}"
            raise HarnessError(problem, hint=f"one of: {', '.join(values)[:600]}")
