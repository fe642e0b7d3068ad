"""Reads the settings of a suite from pytest's options and ini file."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.plugin.options import SOURCES
from harness.stack.servers.configuration import configuration_of
from harness.suite.settings import RESULTS, SCENARIOS, SuiteSettings, names_given


def settings_of(config: pytest.Config, scenarios: Path = SCENARIOS) -> SuiteSettings:
    """Read them. `scenarios`: the folder beside which `target.toml` is looked for."""
    target = _given(config, "target")
    return SuiteSettings(
        scenarios=scenarios,
        target=None if target is None else Path(target),
        profile=_given(config, "profile"),
        without=names_given(config.getoption("harness_without")),
        seed=config.getoption("harness_seed") or 0,
        strict=config.getoption("harness_strict"),
        results=Path(_given(config, "results") or RESULTS),
        patience_s=config.getoption("harness_patience"),
        stack=configuration_of(
            {name: _given(config, name) for name in SOURCES},
            config.getoption("harness_server"),
            config.getoption("harness_allow_host"),
        ),
    )


def _given(config: pytest.Config, name: str) -> str | None:
    given = config.getoption(f"harness_{name}") or config.getini(f"harness_{name}")
    return str(given) if given else None
