"""Ids are sought in a process's memory: what is kept is found, and a short run is not judged."""

from __future__ import annotations

import os

from harness.engine.observing.service.memory_search import first_deliveries, share_remembered
from harness.engine.workload.outgoing import name_of
from tests.checks.support import Story


def test_what_this_process_keeps_is_found_and_what_it_never_had_is_not() -> None:
    kept = [f"kept_{os.getpid()}_{number:06}" for number in range(100)]
    assert share_remembered([os.getpid()], kept) == 100
    assert share_remembered([2**22 + 1], kept) == 0, "there is no such process"


def test_the_first_half_of_a_scenarios_deliveries_is_sought() -> None:
    story = Story().begin()
    for number in range(500):
        story.request(f"msg_{number:06}")
    assert list(first_deliveries(story.recorder.history)) == [f"msg_{number:06}" for number in range(250)]


def test_a_run_with_few_deliveries_or_none_is_not_judged() -> None:
    assert first_deliveries(Story().begin().recorder.history) == ()
    assert first_deliveries(Story().begin().request("a").recorder.history) == ()


def test_a_line_without_a_source_is_of_the_first_and_one_with_an_empty_source_is_not() -> None:
    assert name_of({"id": "a"}) == name_of({"id": "a", "source": None}) == "a"
    assert name_of({"id": "a", "source": "bank"}) == "bank/a"
    assert name_of({"id": "a", "source": ""}) != "a"
