"""The plugin's command line options and ini settings."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from harness.stack import StackConfiguration
from harness.suite.settings import RESULTS, SCENARIOS, SuiteSettings, names_given


class _Option(NamedTuple):
    name: str
    help: str
    kind: Any = None


def _seconds(text: str) -> float:
    """A time that ends. Raises ArgumentTypeError, which the parser tells with the option's name."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no time that ends; mend: write a number above 0")
    return seconds


_WITH_INI = (
    _Option("target", "target description of the service under test (default: target.toml beside the scenarios)"),
    _Option("profile", "profile of the target description (default: the one that it names)"),
    _Option("results", "folder for results (default: .results)"),
    _Option("postgres", '"embedded", a folder with initdb and postgres, or a postgresql:// URL of a superuser'),
    _Option("redis", '"embedded", a redis-server or valkey-server, or a redis:// URL'),
    _Option("toxiproxy", '"build", a toxiproxy-server, or an http:// URL'),
)
_PLAIN = (
    _Option("seed", "seed of payloads (default: 0, so that every run does the same)", int),
    _Option("patience", "longest wait of a client for an answer, in seconds", _seconds),
)


def add_options(parser: pytest.Parser) -> None:
    """Declare them. Each ini setting is the option of the same name: `harness_target`."""
    group = parser.getgroup("harness", "scenarios: test functions that take a lab")
    for option in _WITH_INI:
        group.addoption(f"--harness-{option.name}", dest=f"harness_{option.name}", help=option.help)
        parser.addini(f"harness_{option.name}", option.help)
    for option in _PLAIN:
        group.addoption(f"--harness-{option.name}", dest=f"harness_{option.name}", type=option.kind, help=option.help)
    group.addoption(
        "--harness-without", dest="harness_without", action="append", default=[], metavar="NAME",
        help="switch a protection off; repeatable, or several separated by commas",
    )  # fmt: skip
    group.addoption(
        "--harness-allow-host", dest="harness_allow_host", action="append", default=[], metavar="HOST",
        help="a host beyond this machine that the servers' URLs may name; repeatable",
    )  # fmt: skip
    group.addoption(
        "--harness-strict", dest="harness_strict", action="store_true",
        help="a scenario that this machine cannot run fails, listed in unavailable.toml or not",
    )  # fmt: skip


def settings_of(config: pytest.Config, scenarios: Path = SCENARIOS) -> SuiteSettings:
    """Read them. `scenarios`: the folder beside which `target.toml` is looked for."""
    target = _given(config, "target")
    plain = StackConfiguration()
    return SuiteSettings(
        scenarios=scenarios,
        target=None if target is None else Path(target),
        profile=_given(config, "profile"),
        without=names_given(config.getoption("harness_without")),
        seed=config.getoption("harness_seed") or 0,
        strict=config.getoption("harness_strict"),
        results=Path(_given(config, "results") or RESULTS),
        patience_s=config.getoption("harness_patience"),
        stack=StackConfiguration(
            postgres=_given(config, "postgres") or plain.postgres,
            redis=_given(config, "redis") or plain.redis,
            toxiproxy=_given(config, "toxiproxy") or plain.toxiproxy,
            allow_hosts=frozenset(config.getoption("harness_allow_host")),
        ),
    )


def _given(config: pytest.Config, name: str) -> str | None:
    given = config.getoption(f"harness_{name}") or config.getini(f"harness_{name}")
    return str(given) if given else None
