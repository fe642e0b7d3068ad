"""A failure that rests on a clock counts on a calm machine, and on a busy one the run is never held."""

from __future__ import annotations

import pytest

from harness.checks import Verdict
from harness.checks.clock import machine_was_busy
from harness.history import Recorder
from harness.history.events import CoresSeen, CoreWait, Event, MomentMissed, NotRecovered
from harness.vocabulary import REFUSED, service
from tests.checks.support import Story, middle, rest, whole

CALM = CoresSeen(10_000, (CoreWait("service", 200), CoreWait("relay", 20)), 0.03)
BUSY = CoresSeen(10_000, (CoreWait("service", 8_000), CoreWait("relay", 1_800)), 0.9)
HUNG = CoresSeen(10_000, (CoreWait("service", 10), CoreWait("relay", 1)), 0.9)
OWN_LOAD = CoresSeen(10_000, (CoreWait("service", 8_000), CoreWait("relay", 1_800)), 0.1)


def late() -> Story:
    """An answer beyond the request deadline."""
    return rest(middle().request("a", took_ms=3_600))


def slow() -> Story:
    story = middle()
    return rest(story.end(story.send("a", slower_ms_max=100), took_ms=830))


def unreached() -> Story:
    return whole().tell(MomentMissed(service.answers(100), True, 10, "82 answers"))


def unrecovered() -> Story:
    return whole().tell(NotRecovered(10, "503"))


@pytest.mark.parametrize("story", [late, slow, unreached, unrecovered])
class TestByAClock:
    @pytest.mark.parametrize("cores", [CALM, HUNG, OWN_LOAD])
    def test_it_counts_where_the_machine_had_cores_or_the_service_wanted_none(self, story, cores) -> None:  # type: ignore[no-untyped-def]  # parametrized
        judged = story().tell(cores).judged()
        assert judged.verdict is Verdict.FAILED

    def test_it_does_not_count_on_a_busy_machine_and_nothing_is_held(self, story) -> None:  # type: ignore[no-untyped-def]  # parametrized
        judged = story().tell(BUSY).judged()
        assert judged.verdict is Verdict.INCONCLUSIVE
        assert judged.reason.startswith("the machine was too busy: other programs took 90% of its cores, and ")
        assert "; so this does not count: " in judged.reason


def test_the_figures_are_those_of_the_time_that_it_took() -> None:
    recorder = Recorder()
    recorder.record("machine", CALM, t_ns=10_000_000_000)
    recorder.record("machine", BUSY, t_ns=20_000_000_000)
    said = machine_was_busy(recorder.history, [(11_000_000_000, 12_000_000_000)])
    assert said == (
        "the machine was too busy: other programs took 90% of its cores, and the run's processes waited 1.0 s for a "
        "core in 1.0 s, service the most"
    )
    assert machine_was_busy(recorder.history, [(1_000_000_000, 9_000_000_000)]) == ""
    assert machine_was_busy(recorder.history, [(1_000_000_000, 12_000_000_000)]) == ""
    assert machine_was_busy(recorder.history, [(30_000_000_000, 31_000_000_000)]) == ""


@pytest.mark.parametrize("wrong", [lambda s: s.request("c", REFUSED), lambda s: s.rows("a", "foreign")])
def test_what_is_wrong_whatever_the_time_counts_on_a_busy_machine(wrong) -> None:  # type: ignore[no-untyped-def]  # parametrized
    assert wrong(slow()).tell(BUSY).judged().verdict is Verdict.FAILED


def test_only_the_time_of_the_failure_itself_is_looked_at() -> None:
    """A machine that was busy before, or after, is no excuse."""
    after: list[Event] = [CoresSeen(0.0, (), 0.0), BUSY]
    story = slow()
    ended_ns = story.recorder.history.entries[-1].t_ns
    for seen in after:
        story.recorder.record("machine", seen, t_ns=ended_ns + 60_000_000_000)
    assert story.judged().verdict is Verdict.FAILED


def test_a_history_without_figures_of_cores_is_judged_as_ever() -> None:
    assert slow().judged().verdict is Verdict.FAILED
