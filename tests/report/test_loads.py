"""A load is drawn by what came, came again, was given up, and was acknowledged in time, per second."""

from __future__ import annotations

import pytest

from harness.present.html.drawings.panels import panels_of
from harness.present.html.runs.chronicle import Chronicle, CountLine, chronicle_of
from harness.present.scales import TimeScale
from harness.vocabulary import UNKNOWN
from tests.checks.loaded import Loaded


def drawn() -> Chronicle:
    """For a second 40 each second are acknowledged, then all are given up."""
    history = Loaded().requests(40, 0.001, 1.001).requests(40, 1.001, 2.001, UNKNOWN).disturbed().recorder.history
    found = chronicle_of(history)
    assert found is not None
    return found


def seen_at(line: CountLine, after_s: float) -> float | None:
    """The number so long after its first point."""
    first_s = line.points[0][0]
    return [seen for at_s, seen in line.points if at_s - first_s <= after_s][-1]


def test_the_goodput_falls_when_clients_hang_up() -> None:
    lines = {line.what: line for line in drawn().lines if line.source == "load"}
    assert set(lines) == {"acknowledged in time", "arriving", "tried again", "given up"}
    assert {line.of for line in lines.values()} == {"load 1"}
    first, second = 0.6, 1.6
    assert [seen_at(lines["acknowledged in time"], at_s) for at_s in (first, second)] == [pytest.approx(40, abs=4), 0]
    assert [seen_at(lines["given up"], at_s) for at_s in (first, second)] == [0, pytest.approx(40, abs=4)]
    assert lines["arriving"].points[-1][1] == 0, "its end is drawn"


def test_it_has_a_panel_of_its_own_and_a_line_in_the_story() -> None:
    chronicle = drawn()
    titles = [panel.title for panel in panels_of(chronicle.lines, TimeScale(0, 10, 0, 1000), 0)]
    assert titles[0] == "load 1, requests a second"
    words = [told.words for told in chronicle.story]
    assert "load 1 begins: 40.0 requests a second" in words
    assert "load 1 is over: 100 have arrived" in words
