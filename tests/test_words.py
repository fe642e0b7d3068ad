"""`from harness import ...`: every word is there, whatever was imported before, and is the right one."""

from __future__ import annotations

import subprocess
import sys

import pytest

import harness
from harness.faults import wire
from tests.tiny import environment


def test_every_word_is_there() -> None:
    assert {name for name in harness.__all__ if getattr(harness, name, None) is None} == set()
    assert set(harness.__all__) <= set(dir(harness))
    with pytest.raises(AttributeError, match="'harness' has no attribute 'wier'"):
        _ = harness.wier  # type: ignore[attr-defined]


@pytest.mark.parametrize("first", ["import harness.wire", "import harness.stack", "from harness import wire"])
def test_wire_is_the_faults_of_that_layer_not_the_relays_package(first: str) -> None:
    code = f"{first}\nimport harness.wire\nfrom harness import wire\nprint(wire.__name__, harness.wire.__name__)"
    process = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    assert process.stdout.split() == [wire.__name__] * 2
