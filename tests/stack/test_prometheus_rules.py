"""Production's rules, made faster: every duration and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.stack.prometheus import faster_rules, find_prometheus, prometheus_available
from harness.stack.prometheus.rules import shorter

RULES = """
groups:
  - name: shop
    interval: 1m
    rules:
      - alert: Gone
        expr: rate(errors_total{path="/5m", code=~'[5m]'}[2m:1m] offset 1h30m) > 0.5 and time() - last > 120
        for: 90s
        keep_firing_for: 1m
        labels: {severity: page}
      - record: shop:errors
        expr: 5
"""


@pytest.mark.parametrize(
    ("duration", "faster", "found"),
    [("1m", 30, "2000ms"), ("1m30s", 30, "3000ms"), ("15s", 2, "7500ms"), ("1ms", 1000, "1ms"), ("1h", 1, "3600000ms"),
     ("0s", 30, "0s"), ("a minute", 30, "a minute"), ("1m ", 30, "1m ")],
)  # fmt: skip
def test_a_duration_is_divided(duration: str, faster: float, found: str) -> None:
    assert shorter(duration, faster) == found


def test_rules_keep_everything_but_their_durations(tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(RULES, "utf-8")
    (group,) = faster_rules(file, 60)["groups"]
    assert "interval" not in group, "all rules are followed as often as the metrics are read"
    gone, recorded = group["rules"]
    wanted = (
        """rate(errors_total{path="/5m", code=~'[5m]'}[2000ms:1000ms] offset 90000ms) > 0.5 and time() - last > 120"""
    )
    assert gone["expr"] == wanted
    assert (gone["for"], gone["keep_firing_for"], gone["labels"]) == ("1500ms", "1000ms", {"severity": "page"})
    assert recorded == {"record": "shop:errors", "expr": "5"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [("groups: [", "cannot be read: while parsing"), ("rules: []", "has no groups of rules"), ("[]", "has no groups"),
     ("groups: [{name: a, rules: [{alert: A}]}]", "has no groups of rules"), ("groups: 3", "has no groups of rules")],
)  # fmt: skip
def test_what_holds_no_rules_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(text, "utf-8")
    with pytest.raises(UsageError) as caught:
        faster_rules(file, 30)
    assert str(caught.value).startswith(f"alerts: rules = '{file}': {problem}")
    assert "promtool check rules" in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        faster_rules(tmp_path / "rules.yml", 30)


def test_the_program_is_the_one_that_is_named_or_the_one_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HARNESS_PROMETHEUS", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = prometheus_available()
    assert (found.available, found.detail) == (False, "no prometheus on the PATH")
    assert "HARNESS_PROMETHEUS" in found.mend
    program = tmp_path / "prometheus"
    program.write_text("#!/bin/sh\n", "utf-8")
    program.chmod(0o755)
    assert (find_prometheus(), prometheus_available().available) == (program, True)
    elsewhere = program.rename(tmp_path / "mine")
    monkeypatch.setenv("HARNESS_PROMETHEUS", str(elsewhere))
    assert find_prometheus() == elsewhere
    monkeypatch.setenv("HARNESS_PROMETHEUS", str(tmp_path / "none"))
    with pytest.raises(UsageError, match="is not a program that this user may run"):
        find_prometheus()
