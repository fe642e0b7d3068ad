"""The options of a benchmark."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

from bench.arms import Plan, Progress
from bench.load import Load
from bench.report import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`rounds`: None means as many as are useful and fit into `budget_s`, which `began` with the setup."""

    rounds: int | None
    budget_s: float
    seed: int
    requests: int
    concurrency: int
    body_bytes: int
    progress: Progress
    began: float = field(default_factory=time.monotonic)

    @property
    def load(self) -> Load:
        """The load of one sample."""
        return Load(requests=self.requests, concurrency=self.concurrency, body_bytes=self.body_bytes)

    def plan(self, *, rounds: int, share: float = 0.9) -> Plan:
        """How long to measure: `rounds` unless the user chose another number, in a `share` of the remaining time."""
        left_s = self.budget_s - (time.monotonic() - self.began)
        return Plan(
            rounds=self.rounds or rounds, budget_s=left_s * share if self.rounds is None else inf, seed=self.seed
        )


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a benchmark."""

    tables: tuple[Table, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark and its name."""

    name: str
    about: str
    run: Callable[[Options], Found]
