from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.processes.keeper import Keeper


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    with Keeper.start() as started:
        yield started
