"""The checks that judge every run. They are reported in the order of their definition."""

from __future__ import annotations

from collections.abc import Sequence

from harness.checks.registry import Check, registered
from harness.checks.standing import (
    alerts,
    answering,
    condition,
    contract,
    counts,
    disclosure,
    goodput,
    health,
    liveness,
    retries,
    safety,
    starts,
)

STANDING: Sequence[Check] = registered()


def named(name: str) -> Check | None:
    """Return the check of that name, if there is one."""
    return next((check for check in STANDING if check.name == name), None)


def wants(name: str) -> str:
    """Return what the check of that name demands, as a sentence; empty for an unknown name."""
    check = named(name)
    return check.wants if check else ""


__all__ = [
    "STANDING",
    "alerts",
    "answering",
    "condition",
    "contract",
    "counts",
    "disclosure",
    "goodput",
    "health",
    "liveness",
    "named",
    "retries",
    "safety",
    "starts",
    "wants",
]
