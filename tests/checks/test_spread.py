"""A peak of connects that is low because cores were wanted proves nothing, and a proof that rests on it says so."""

from __future__ import annotations

import pytest

from harness import postgres
from harness.checks.registry import Examined
from harness.checks.standing.condition import figure
from harness.history.events import CoresSeen, CoreWait, FigureRead, RequestEnded, RequestSent
from harness.vocabulary import ACKNOWLEDGED, Figure
from tests.checks.support import Story

PEAK = postgres.connects_peak(within_ms=250)


def read_on_a_machine(read: FigureRead, *, waited_ms: float, others: float) -> Examined:
    story = Story().begin()
    story.tell_at(100_000_000_000, RequestSent(9, "a", "digest", 100, "scenario", ACKNOWLEDGED))
    story.tell_at(110_000_000_000, RequestEnded(9, ACKNOWLEDGED, 10.0, 200, "stored"))
    story.tell_at(110_000_000_000, CoresSeen(10_000, (CoreWait("service", waited_ms),), others))
    story.tell_at(110_000_000_000, read)
    return figure.examine(story.recorder.history)


def test_a_low_peak_on_a_starved_machine_shows_nothing() -> None:
    found = read_on_a_machine(FigureRead(PEAK, 9, 11), waited_ms=2_000, others=0.9)
    assert not found.problem
    assert found.blurred == (
        "the machine was too busy: other programs took 90% of its cores, and the run's processes waited 2.0 s for a "
        f"core in 10.0 s, service the most, which spreads what would come at once: {PEAK!r} was 9"
    )


@pytest.mark.parametrize(
    ("figure_read", "at_most", "waited_ms", "others"),
    [
        (PEAK, 11, 200, 0.9),
        (PEAK, 11, 2_000, 0.1),
        (postgres.sends_per_request, 11, 2_000, 0.9),
        (PEAK, None, 2_000, 0.9),
    ],
    ids=["waits shorter than the peak's time", "cores of its own", "another figure", "no limit"],
)
def test_any_other_figure_counts(figure_read: Figure, at_most: float | None, waited_ms: float, others: float) -> None:
    read = FigureRead(figure_read, 9, at_most, None if at_most else 1)
    assert not read_on_a_machine(read, waited_ms=waited_ms, others=others).blurred
