"""The fixture that makes a test function a scenario.

Every pytest run loads this, so it imports no other harness module.
"""

from __future__ import annotations

import inspect

import pytest

LAB = "lab"


@pytest.fixture(name=LAB)
def lab_of_a_scenario() -> None:
    """Mark a test function as a scenario. The runner gives it the lab, pytest does not."""


def is_scenario(item: pytest.Item) -> bool:
    """Return whether this item's function takes the plugin's `lab`, and not another fixture of that name."""
    if not isinstance(item, pytest.Function):
        return False
    info = item._fixtureinfo  # noqa: SLF001  # pytest has no public way to ask which fixture a name means
    if LAB not in info.argnames:
        return False
    definitions = info.name2fixturedefs.get(LAB, ())
    return bool(definitions) and definitions[-1].func is inspect.unwrap(lab_of_a_scenario)


__all__ = ["LAB", "is_scenario", "lab_of_a_scenario"]
