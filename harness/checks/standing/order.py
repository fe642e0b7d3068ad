"""The checks that judge every run, in the order in which their failures are reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harness.checks.registry import Check, registered
from harness.checks.standing import (
    answering,
    changes,
    condition,
    connections,
    contract,
    goodput,
    liveness,
    retries,
    safety,
    starts,
    variants,
)
from harness.checks.standing.self_reports import alerts, counts, disclosure, health, said

_ORDER: Final = (
    safety,
    changes,
    goodput,
    contract,
    variants,
    disclosure,
    health,
    answering,
    liveness,
    starts,
    alerts,
    retries,
    connections,
    condition,
    counts,
    said,
)
"""If several checks failed, the first module's failure is the reason. A new module of checks gets its place here."""

_PLACE: Final = {module.__name__: place for place, module in enumerate(_ORDER)}

STANDING: Sequence[Check] = sorted(registered(), key=lambda check: _PLACE[check.examine.__module__])


def named(name: str) -> Check | None:
    """Return the check with that name, if there is one."""
    return next((check for check in STANDING if check.name == name), None)


def wants(name: str) -> str:
    """Return what a check demands, as a sentence.

    For example::

        wants("acknowledged_is_stored")

    Args:
        name: the check's name.

    Returns:
        The first line of the check's docstring; "" for an unknown name.
    """
    check = named(name)
    return check.wants if check else ""


__all__ = ["STANDING", "named", "wants"]
