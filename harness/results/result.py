"""The result of a run as plain data, which crosses process borders and is written to `summary.json`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harness.checks import CheckResult, Verdict
from harness.history.events import MessageMet
from harness.vocabulary import Value

Role = Literal["scenario", "control", "ablated"]
LONGEST_NAME = 200
"""How many of a file name's 255 bytes a key may use. The rest is for endings."""


@dataclass(frozen=True, slots=True)
class RunKey:
    """Scenario, profile, and what is switched off in addition to the profile."""

    id: str
    profile: str
    without: tuple[str, ...] = ()

    def __str__(self) -> str:
        """`id@profile`, then `-NAME` for each protection that is off: also a file's name, so a long one is cut."""
        name = "-".join([f"{self.id}@{self.profile}", *(name.replace(":", "=") for name in self.without)])
        if len(name) <= LONGEST_NAME:
            return name
        digest = hashlib.blake2b(name.encode(), digest_size=4).hexdigest()
        return f"{name[: LONGEST_NAME - len(digest) - 1]}-{digest}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Proof that a fault took effect: its kind, its reporter, its time (CLOCK_MONOTONIC), and what was seen.

    `detail` begins with the fault's source, for readers. `at`: the message that met the fault, if one did.
    `fault`: None where nothing was broken.
    """

    kind: str
    source: str
    t_ns: int
    detail: str
    at: MessageMet | None = None
    fault: Value | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """One run of one scenario."""

    key: RunKey
    theme: str
    verdict: Verdict
    reason: str
    checks: tuple[CheckResult, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)
    duration_s: float
    overhead_s: float
    """The part of the duration that is the harness's own: laying links, starting and ending the service."""
    seed: int
    repro: str
    history: Path | None
    schedule: Path | None
    source: Path | None = None
    """The scenario's source as of the run."""
    never_started: str = ""
    """Why the service did not start for this run; empty if it did."""
    never_steady: str = ""
    """Why steady state was not reached; empty if it was, or if the machine may have been too busy for it."""
    unsteady: bool = False
    """Whether steady state was not reached, for whatever reason."""
    service_log: str = ""
    """What the service logged from the scenario's beginning to its end. Proofs search here."""
    role: Role = "scenario"
    expected: Verdict = Verdict.HELD

    @property
    def failing(self) -> tuple[CheckResult, ...]:
        """The checks whose failure counts, with any verdict."""
        return tuple(result for result in self.checks if result.counts)

    @property
    def failing_checks(self) -> tuple[str, ...]:
        """The names of the failed checks."""
        return tuple(result.name for result in self.failing)
