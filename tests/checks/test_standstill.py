"""A service that never came to steady state in its time is told from one that had no core for it."""

from __future__ import annotations

import re

from harness.checks import Verdict, judge
from harness.checks.standstill import never_steady
from harness.history import History, Recorder
from harness.history.events import CoresSeen, CoreWait, Healthy, NotSteady

CALM = CoresSeen(10_000, (CoreWait("service", 200),), 0.03)
BUSY = CoresSeen(10_000, (CoreWait("service", 9_000),), 0.9)
SILENT = NotSteady("no line said where it listens", not_started=True, waited_s=8)
ENDED = NotSteady("it ended with status 1", not_started=True)


def told(unsteady: NotSteady, cores: CoresSeen, *before: Healthy) -> History:
    recorder = Recorder()
    for event in before:
        recorder.record("runner", event, t_ns=1_000_000_000)
    recorder.record("runner", unsteady, t_ns=10_000_000_000)
    recorder.record("machine", cores, t_ns=10_500_000_000)
    return recorder.history


def test_a_service_that_had_its_cores_never_came_to_steady_state() -> None:
    silent = told(SILENT, CALM)
    assert judge(silent).reason == "steady state was not reached: no line said where it listens"
    assert never_steady(silent) == SILENT.reason


def test_of_a_service_that_waited_for_a_core_all_the_time_nobody_knows() -> None:
    silent = judge(told(SILENT, BUSY))
    assert silent.verdict is Verdict.INCONCLUSIVE
    assert re.fullmatch(
        r"the machine was too busy: .* so steady state was not reached: no line said where it listens",
        silent.reason,
    )
    assert never_steady(told(SILENT, BUSY)) == ""


def test_a_service_that_ended_waited_for_nothing() -> None:
    ended = told(ENDED, BUSY)
    assert judge(ended).reason == "steady state was not reached: it ended with status 1"
    assert never_steady(ended) == ENDED.reason


def test_what_was_steady_before_the_scenario_was_so() -> None:
    assert never_steady(told(NotSteady("1 of 10: refused"), CALM, Healthy(5.0, 5))) == ""
