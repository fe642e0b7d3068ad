"""Servers that stay up forget the modules of a user; here these are the tests themselves, which others still need."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _modules_stay() -> Iterator[None]:
    """Put back the modules that a test in this process made it forget."""
    before = dict(sys.modules)
    yield
    for name, module in before.items():
        sys.modules.setdefault(name, module)
