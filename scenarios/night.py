"""Leaves values of a parameter to the nightly run where other values test most of the same."""

from __future__ import annotations

from typing import Any

import pytest

from harness import nightly


def at_night(because: str, *values: object) -> list[Any]:
    """Return each value as a parameter whose scenario runs only at night, for this reason."""
    return [pytest.param(value, marks=nightly(because)) for value in values]
