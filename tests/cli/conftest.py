from __future__ import annotations

from pathlib import Path

import pytest

from tests.tiny import write_suite


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A folder with the tiny service's suite: where the command line runs."""
    return write_suite(tmp_path)
