"""Scenarios of a project whose pytest is configured for plugins that the harness does not need."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.plugin.collection import collect_scenarios
from harness.target import load_target
from tests.tiny import write_suite

STRICT = (
    "[pytest]\nfilterwarnings = error\nasyncio_default_fixture_loop_scope = function\nsetting_of_another_plugin = 1\n"
)


@pytest.mark.parametrize("project", ["first", "second"])
def test_a_setting_of_a_plugin_that_is_not_there_hinders_nothing(tmp_path: Path, project: str) -> None:
    (tmp_path / project).mkdir()
    root = write_suite(tmp_path / project)
    target = load_target(root / "scenarios" / "target.toml")
    (root / "pytest.ini").write_text(STRICT, "utf-8")
    assert collect_scenarios(root / "scenarios", target.description)
