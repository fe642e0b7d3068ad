"""Connections that the server has and the service does not show, and the other way round."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.engine.observing.service.counts import below_zero, not_shown
from harness.engine.observing.service.probes import Probed
from harness.engine.phases.rest import UNTOLD, overtold_connections, untold_connections
from harness.history import Recorder
from harness.history.events import AtRest, Counted
from harness.protocols.contract.probes import SessionCount
from harness.target import load_target

TARGET = load_target(Path(__file__).parents[3] / "scenarios" / "target.toml")
TOLD = Probed("webhook_pool_checked_out 1\nwebhook_pool_idle 4\n")


def _seen(open_now: int) -> Sequence[AtRest]:
    return [AtRest("connections", open_now, 15, "postgres"), AtRest("busy connections", 0, 0, "postgres")]


@pytest.mark.parametrize(("open_now", "untold"), [(5, 0), (4, 0), (7, 2)])
def test_what_the_server_has_beyond_what_the_service_tells_of(open_now: int, untold: int) -> None:
    assert list(untold_connections(TARGET, _seen(open_now), TOLD)) == [AtRest(UNTOLD, untold, 0, "postgres")]


def test_nothing_is_said_of_a_service_that_does_not_run_nor_of_a_link_that_no_metric_counts() -> None:
    assert list(untold_connections(TARGET, _seen(7), None)) == []
    assert list(untold_connections(TARGET, [AtRest("connections", 7, 15, "redis")], TOLD)) == []


@pytest.mark.parametrize(("open_now", "problems"), [(5, 0), (6, 0), (4, 1)])
def test_it_tells_of_no_connection_that_its_server_does_not_have(open_now: int, problems: int) -> None:
    counts = [("postgres", SessionCount(open=open_now, busy=0)), ("redis", SessionCount(open=1, busy=0))]
    assert len(list(overtold_connections(TARGET, counts, TOLD))) == problems
    assert list(overtold_connections(TARGET, counts, Probed("webhook_pool_idle 9\n"))) == []


@pytest.mark.parametrize(("label", "seen", "problems"), [("idle", -10, 1), ("idle", 0, 0), ("queued", -1, 0)])
def test_nobody_has_less_than_no_connection(label: str, seen: float, problems: int) -> None:
    """What does not count connections may be below zero: how far a pool is from its limit, say."""
    recorder = Recorder()
    for each in (5, seen, None, 5):
        recorder.record("counts", Counted("pool", label, each, "service"))
    assert len(list(below_zero(TARGET, recorder.history))) == problems


def test_an_answer_in_place_of_the_metrics_is_told_once_and_a_missing_one_is_not() -> None:
    """A page that is not answered, or that lacks a metric, is a gap of the timeline: other checks judge that."""
    recorder = Recorder()
    for problem, status in (("", None), ("500: Internal", 500), ("no such metric", None), ("500: Internal", 500)):
        recorder.record("counts", Counted("pool", "idle", None, "service", problem, status))
    recorder.record("counts", Counted("postgres", "open", None, "kernel", "the kernel was not asked", None))
    assert not_shown(recorder.history) == ["500: Internal"]
