"""A comment that silences a tool says why."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.pages.support import ROOT

SILENCED = re.compile(r"# (?:noqa: [A-Z0-9, ]+|type: ignore(?:\[[a-z, -]+\])?|pragma: no cover)\s*$", re.MULTILINE)
WRONG_ON_PURPOSE = ROOT / "tests" / "typing" / "api.py"
"""Each of its lines is refused by a type checker: that is what it shows."""


def installed(path: Path) -> bool:
    """Whether somebody else wrote it: examples install packages beside them."""
    return any(part.startswith(".venv") or part in {"site-packages", "node_modules"} for part in path.parts)


@pytest.mark.parametrize("top", ["bench", "examples", "harness", "scenarios", "tests", "webhook"])
def test_each_exemption_has_a_reason(top: str) -> None:
    files = [path for path in (ROOT / top).rglob("*.py") if path != WRONG_ON_PURPOSE and not installed(path)]
    assert [str(path.relative_to(ROOT)) for path in files if SILENCED.search(path.read_text("utf-8"))] == []


@pytest.mark.parametrize(("line", "silent"), [("x = 1  # noqa: S104", True), ("x = 1  # noqa: S104  # any", False)])
def test_a_reason_is_a_second_comment(line: str, silent: bool) -> None:
    assert bool(SILENCED.search(line)) == silent
