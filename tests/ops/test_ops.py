"""The rules and the dashboard that on-call has: they are sound, and rest on metrics that the service shows."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from webhook.metrics import FAILED, Metrics

OPS = Path(__file__).parents[2] / "ops"
RULES, DASHBOARD = OPS / "alerts.yml", OPS / "dashboard.json"
PROMTOOL = shutil.which("promtool")
NEEDS_PROMTOOL = pytest.mark.skipif(PROMTOOL is None, reason="no promtool on the PATH (Debian: prometheus)")
OF_PROMETHEUS = {"up"}
NAME = re.compile(r"\b(?:webhook|process)_[a-z_]+\b")
OF_THE_POOL = {"webhook_pool_limit", "webhook_pool_checked_out", "webhook_pool_idle", "webhook_pool_waiting"}
"""Shown once there is a pool; the service's own tests look at them."""
WATCHED = OF_THE_POOL | {"webhook_retry_budget_tokens", "webhook_log_lines_lost"}


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def shown() -> set[str]:
    """Every series' name that the service has from its start."""

    async def collected() -> set[str]:
        families = Metrics().registry.collect()
        return {sample.name for family in families for sample in family.samples}

    return asyncio.run(collected()) | WATCHED


def queries() -> Iterator[str]:
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))


@NEEDS_PROMTOOL
@pytest.mark.parametrize(
    "words", [("check", "rules", str(RULES)), ("test", "rules", str(OPS / "alerts_test.yml"))], ids=["check", "test"]
)
def test_promtool_is_content(words: tuple[str, ...]) -> None:
    done = subprocess.run([str(PROMTOOL), *words], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_rests_on_what_the_service_shows(rule: dict[str, Any]) -> None:
    names = set(NAME.findall(rule["expr"]))
    assert names <= shown()
    assert names or re.search(r"\bup\{", rule["expr"])
    assert rule["labels"]["severity"] in {"page", "warn"}
    assert set(rule["annotations"]) == {"summary", "action"}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_a_reason_that_an_alert_names_is_one_that_the_service_counts(rule: dict[str, Any]) -> None:
    named = re.findall(r'webhook_(?:failures|retries)_total\{reason=~?"([^"]+)"', rule["expr"])
    assert {reason for found in named for reason in found.split("|")} <= {str(reason) for reason in FAILED}


def test_every_alert_has_a_test_in_which_it_fires() -> None:
    tests = yaml.safe_load((OPS / "alerts_test.yml").read_text("utf-8"))["tests"]
    fired = {case["alertname"] for test in tests for case in test["alert_rule_test"] if case["exp_alerts"]}
    assert fired == {rule["alert"] for rule in rules()}


def test_the_dashboard_shows_what_the_service_has() -> None:
    found = list(queries())
    assert len(found) > 5
    for query in found:
        assert set(NAME.findall(query)) - {"webhook_request_seconds_bucket"} <= shown(), query


def test_the_dashboard_has_a_place_for_each_panel_and_no_id_twice() -> None:
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    ids = [panel["id"] for panel in panels]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
