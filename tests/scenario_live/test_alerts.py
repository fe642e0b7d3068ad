"""`lab.alerts`: what it refuses, and what it says where no Prometheus is."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from harness import ANY_OUTCOME, Lab, link, postgres, redis, service
from harness.checks import Verdict
from harness.history.events import AlertChanged, AlertsLeft
from harness.stack.prometheus import find_prometheus
from tests.scenario_live.support import Runs, evidence, history_of

NEEDS_PROMETHEUS = pytest.mark.skipif(find_prometheus() is None, reason="no prometheus on the PATH")
RULES = """
groups:
  - name: one
    rules:
      - alert: Refused
        expr: rate(webhook_requests_total{outcome="refused"}[1m]) > 0
        for: 15s
      - alert: Degraded
        expr: rate(webhook_degraded_total[1m]) > 0
"""


async def _watch(lab: Lab) -> None:
    async with lab.alerts("Refusde"):
        await lab.deliver()


def _with(runs: Runs, rules: str | None) -> Runs:
    described = runs.bed.target.description
    alerts = None if rules is None else described.alerts
    if alerts is not None:
        file = runs.folder / "rules.yml"
        file.write_text(str(rules), "utf-8")
        alerts = alerts.model_copy(update={"rules": str(file.absolute())})
    changed = described.model_copy(update={"alerts": alerts})
    return runs.on(target=dataclasses.replace(runs.bed.target, description=changed))


@NEEDS_PROMETHEUS
def test_an_alert_that_is_watched_is_pending_fires_and_ends(runs: Runs) -> None:
    """And the one that fires beside it fails the run."""

    async def play(lab: Lab) -> None:
        async with lab.alerts("Refused"), lab.traffic(clients=1, expect=ANY_OUTCOME):
            async with lab.inject(link.down(postgres)):
                await lab.until(service.alert("Refused"), within_s=20)
            async with lab.inject(link.down(redis)):
                await lab.until(service.alert("Degraded"), within_s=20)

    result = _with(runs, RULES)(play)
    assert result.verdict is Verdict.FAILED, result.reason
    assert result.reason == "alerts: Degraded fired, but must not"
    changes = [each.state for each in history_of(result).of(AlertChanged) if each.name == "Refused"]
    assert changes == ["pending", "firing", "inactive"]
    assert [left.open for left in history_of(result).of(AlertsLeft)] == [()]
    assert evidence(result)["lab.alerts('Refused')"]["alerts_watched"] == 1


@NEEDS_PROMETHEUS
def test_an_alert_that_does_not_fire_fails_the_run(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        async with lab.alerts("Refused"), lab.inject(link.cut(postgres)):
            await lab.deliver(5)

    result = _with(runs, RULES)(play)
    assert result.verdict is Verdict.FAILED, result.reason
    assert result.reason == "alerts: Refused did not fire, but was inactive throughout"


@NEEDS_PROMETHEUS
def test_an_unknown_alert_is_answered_with_the_closest_one(runs: Runs) -> None:
    result = _with(runs, RULES)(_watch)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "fires = 'Refusde': the rules have no such alert; closest valid: 'Refused'" in result.reason


@NEEDS_PROMETHEUS
def test_rules_that_prometheus_does_not_take_are_told_with_its_words(runs: Runs) -> None:
    result = _with(runs, RULES.replace("> 0", "> >", 1))(_watch)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "Prometheus does not watch the service" in result.reason


def test_a_target_without_alerts_is_told_to_describe_them(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_PROMETHEUS", "/bin/true")  # it does not come to that
    result = _with(runs, None)(_watch)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "the target has no alerts" in result.reason


def test_a_machine_without_prometheus_makes_it_unavailable(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("HARNESS_PROMETHEUS", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    result = runs(_watch)
    assert result.verdict is Verdict.UNAVAILABLE
    assert "no prometheus on the PATH" in result.reason
