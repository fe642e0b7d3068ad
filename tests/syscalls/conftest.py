from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.processes.keeper import Keeper
from tests.syscalls.support import Dialler, listening, start_dialler


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    with Keeper.start() as started:
        yield started


@pytest.fixture
def dialler(keeper: Keeper, tmp_path: Path) -> Iterator[Dialler]:
    with start_dialler(keeper, tmp_path) as started:
        yield started


@pytest.fixture
def port() -> Iterator[int]:
    with listening() as free:
        yield free
