from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.cli.options import jobs_here, output_of, settings_of
from harness.cli.verbs.runs.gate import gate
from harness.stack import StackConfiguration
from harness.suite import SuiteSettings
from harness.suite.settings import names_given


@pytest.mark.parametrize(
    ("texts", "names"),
    [(["a,b", "c"], ("a", "b", "c")), (["a, b,", "b"], ("a", "b")), ([], ())],
)
def test_names_come_one_an_option_or_separated_by_commas(texts: list[str], names: tuple[str, ...]) -> None:
    assert names_given(texts) == names


def test_what_is_asked_for_by_default_needs_no_options() -> None:
    assert SuiteSettings().options() == ()


@pytest.mark.parametrize(("cores", "jobs"), [(1, 2), (2, 3), (3, 4), (16, 4)])
def test_one_scenario_more_than_cores_runs_at_once(monkeypatch: pytest.MonkeyPatch, cores: int, jobs: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(cores)))
    assert jobs_here() == jobs


def test_the_options_ask_for_the_same_again() -> None:
    stack = StackConfiguration(
        servers={"postgres": "postgresql://127.0.0.1:1/x", "redis": "redis", "ledger": "/usr/lib/pg?a=b"},
        toxiproxy="tp",
        allow_hosts=frozenset({"b", "a"}),
    )
    settings = SuiteSettings(scenarios=Path("s"), target=Path("t.toml"), patience_s=2.5, jobs=jobs_here(), stack=stack)
    given = gate.make_context("gate", list(settings.options())).params
    for argument in ("ids", "proofs"):
        given.pop(argument)
    output_of(given)
    assert settings_of(given) == settings
