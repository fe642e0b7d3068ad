"""What a failover loses counts, unless the standby was asynchronous and the scenario allows so many rows."""

from __future__ import annotations

import time

import pytest

from harness import postgres, server
from harness.checks.standing.failover import Gap, acknowledged_by_old_primaries, lost_by_failover, write_gap
from harness.history.events import FailedOver, FaultHealed, FigureRead, RequestEnded
from harness.vocabulary import ACKNOWLEDGED, service
from tests.checks.support import Story, row

PROMOTED = server.promote(postgres)


def _story(standby: str, *figures: FigureRead, lacked: tuple[str, ...] = ("a", "b"), back: bool = True) -> Story:
    """Two deliveries are acknowledged, a standby without some of them takes over, and they are sent again."""
    story = Story().begin().request("a", answer="first").request("b", answer="first").acts(PROMOTED)
    story.tell(FailedOver("postgres", standby, 100.0, 80.0, tuple(map(row, lacked))), FaultHealed(1), *figures)
    story.request("c").recover().rows(*{"a", "b", "c"} - set(lacked))
    for each in "ab":
        story.again(each, answer="second" if each in lacked else "first")
    return story.again("c").rows("c", *(("a", "b") if back else set("ab") - set(lacked)))


def _limit(seen: float, at_most: float | None, at_least: float | None = None) -> FigureRead:
    return FigureRead(service.rows_lost, seen, at_most, at_least)


def test_rows_lost_within_the_limit_are_counted_and_excused() -> None:
    story = _story("asynchronous", _limit(2, 2))

    assert not story.failing()
    assert set(lost_by_failover(story.recorder.history)) == {"a", "b"}
    (stored,) = [each for each in story.judged().checks if each.name == "acknowledged_is_stored"]
    assert stored.saw.endswith("; 2 lost by a failover")


@pytest.mark.parametrize(
    ("standby", "figures"),
    [
        ("asynchronous", ()),
        ("asynchronous", (_limit(2, None, 1),)),
        ("asynchronous", (_limit(2, 1),)),
        ("synchronous", (_limit(2, 2),)),
    ],
)
def test_no_other_loss_is_excused(standby: str, figures: tuple[FigureRead, ...]) -> None:
    failing = _story(standby, *figures).failing()

    assert {"acknowledged_is_stored", "same_answer_again"} <= failing


def test_a_row_that_the_standby_had_is_not_excused() -> None:
    story = Story().begin().request("a").acts(PROMOTED)
    story.tell(FailedOver("postgres", "asynchronous", 100.0, 80.0, (row("b"),)), FaultHealed(1), _limit(0, 1))

    assert "acknowledged_is_stored" in story.recover().rows().again("a").rows("a").failing()


def test_what_is_acknowledged_again_has_to_be_stored_again() -> None:
    assert _story("asynchronous", _limit(2, 2), back=False).failing() == {"acknowledged_is_stored"}


def test_what_the_new_primary_acknowledged_was_not_lost() -> None:
    story = Story().begin()
    number = story.send("a")
    story.acts(PROMOTED)
    story.tell(FailedOver("postgres", "asynchronous", 100.0, 80.0, (row("a"),)), FaultHealed(1), _limit(0, 1))

    story.end(number).recover().rows().rows()

    assert not lost_by_failover(story.recorder.history)
    assert "acknowledged_is_stored" in story.failing()


@pytest.mark.parametrize(("served_on_ms", "counted"), [(60_000.0, 2), (0.0, 0)])
def test_what_the_old_primary_acknowledged_after_the_promotion_is_counted(served_on_ms: float, counted: int) -> None:
    """Both rows are lost; they were acknowledged while another was promoted already, or before."""
    story = Story().begin().request("a").request("b").acts(PROMOTED)
    lacked = (row("a"), row("b"))
    story.tell(FailedOver("postgres", "asynchronous", 0.0, 80.0, lacked, served_on_ms), FaultHealed(1))
    assert acknowledged_by_old_primaries(story.recorder.history) == counted


def test_time_without_writes_is_a_multiple_of_the_failover() -> None:
    story, over_ns = Story().begin().request("a").acts(PROMOTED), time.monotonic_ns()
    story.tell_at(over_ns, FailedOver("postgres", "synchronous", 100.0, 80.0))
    assert write_gap(story.recorder.history) is None

    for after_ms in (150, 500):
        number, ended_ns = story.send("b"), over_ns + after_ms * 1_000_000
        story.tell_at(ended_ns, RequestEnded(number, ACKNOWLEDGED, 5.0, 200, "stored"))

    assert write_gap(story.recorder.history) == Gap(250.0, 100.0)
    assert Gap(250.0, 100.0).ratio == 2.5
