"""The timeline's places: the fault's window, points, limits, connections, and what is said of them in words."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from harness.history import read_history
from harness.present.html.drawings.panels import STYLES, panels_of
from harness.present.html.drawings.timeline import CODE_CHARACTER, LEFT, timeline_of
from harness.present.html.runs.chronicle import Chronicle, CountLine, FaultWindow, Span, chronicle_of
from harness.present.scales import LatencyScale, TimeScale, milliseconds
from tests.report.support import write_history


@pytest.fixture
def chronicle(tmp_path: Path) -> Chronicle:
    write_history(tmp_path / "a.jsonl")
    found = chronicle_of(read_history(tmp_path / "a.jsonl"))
    assert found is not None
    return found


def test_a_chronicle_has_the_faults_window_and_its_evidence(chronicle: Chronicle) -> None:
    (fault,) = chronicle.faults
    assert (fault.span.from_s, fault.span.to_s) == (1.0, 3.0)
    assert [(mark.at_s, mark.fault) for mark in chronicle.marks] == [(2.5, 1)]
    assert max(waiting for _, waiting in chronicle.in_flight) == 2
    assert chronicle.in_flight[-1][1] == 0


def test_points_are_told_apart_by_shape_and_stand_where_they_ended(chronicle: Chronicle) -> None:
    timeline = timeline_of(chronicle, titled=True)
    assert timeline is not None
    assert [(point.kind, point.judged) for point in timeline.points] == [("a", False), ("u", True), ("u", True)]
    healthy, unknown, _ = timeline.points
    assert healthy.x < timeline.faults[0].x < unknown.x < timeline.faults[0].x + timeline.faults[0].width
    assert healthy.y > unknown.y, "the slower, the higher"
    assert len({point.path.partition("m")[2] for point in (healthy, unknown)}) == 2
    assert timeline.faults[0].x < timeline.faults[0].marks[0][0] < timeline.faults[0].x + timeline.faults[0].width


def test_a_count_over_its_limit_is_marked(chronicle: Chronicle) -> None:
    timeline = timeline_of(chronicle, titled=True)
    assert timeline is not None
    assert [(row.what, row.dots[0][1:]) for row in timeline.counts] == [
        ("connections: postgres", ("16 of at most 15", True))
    ]


def test_connections_are_drawn_as_steps_on_the_requests_own_axis(chronicle: Chronicle) -> None:
    timeline = timeline_of(chronicle, titled=True)
    assert timeline is not None
    kernel, pool = timeline.panels
    assert [line.words for line in kernel.lines] == ["open", "connecting"], "what is always 0 is left out"
    fault, (begin, *places) = timeline.faults[0], _corners(kernel.lines[0].path)
    assert begin[1] == kernel.top, "the most is at the top"
    dip = next(x for x, y in places if y == kernel.bottom)
    back = next(x for x, y in places if y == kernel.top and x > dip)
    assert fault.x < dip < back < fault.x + fault.width
    assert (kernel.bottom, timeline.flight_bottom) < (pool.top, kernel.top)
    assert timeline.phase_top > timeline.panels[-1].bottom
    assert pool.lines[0].path == "", "nobody said"


def _corners(path: str) -> list[tuple[float, float]]:
    """Where a line of M, H and V stands at each turn."""
    found: list[tuple[float, float]] = []
    for sign, x, y in re.findall(r"([MHV])([\d.]+)(?: ([\d.]+))?", path):
        last = found[-1] if found else (0.0, 0.0)
        found.append({"M": (float(x), float(y or 0)), "H": (float(x), last[1]), "V": (last[0], float(x))}[sign])
    return found


def test_a_gap_is_left_where_nobody_said_and_a_short_dip_is_drawn() -> None:
    scale = TimeScale(0, 10, 0, 1000)
    points = [(0.0, 4.0), (2.0, None), (3.0, 4.0), (5.0, 0.0), (5.0001, 4.0), (10.0, 4.0)]
    (panel,) = panels_of([CountLine(of="redis", what="open", source="kernel", points=points)], scale, 0)
    top, bottom = panel.top, panel.bottom
    assert panel.lines[0].path == f"M0 {top:g}H200M300 {top:g}H500V{bottom:g}V{top:g}H1000V{top:g}"


def test_a_peak_within_a_pixel_is_drawn() -> None:
    points = [(0.0, 0.0), (5.0, 15.0), (5.0001, 0.0), (10.0, 0.0)]
    line = CountLine(of="redis", what="open", source="kernel", points=points)
    (panel,) = panels_of([line], TimeScale(0, 10, 0, 1000), 0)
    top, bottom = panel.top, panel.bottom
    assert panel.lines[0].path == f"M0 {bottom:g}H500V{bottom:g}V{top:g}V{bottom:g}H1000V{bottom:g}"


def test_a_late_faults_long_name_keeps_its_beginning(chronicle: Chronicle) -> None:
    (fault,) = chronicle.faults
    source = "wire.fail(at=link.answered(postgres, text='COMMIT'), always=True, code='53300', text='sorry, too many')"
    late = FaultWindow(number=fault.number, source=source, words="", span=Span(source, 3.1, 3.2))
    timeline = timeline_of(dataclasses.replace(chronicle, faults=[late]), titled=True)
    assert timeline is not None
    (bar,) = timeline.faults
    assert bar.title == source
    assert bar.label.endswith("...")
    assert source.startswith(bar.label.removesuffix("..."))
    assert bar.anchor == "end"
    assert bar.label_x - CODE_CHARACTER * len(bar.label) >= LEFT, "nothing of it is outside of the drawing"


def test_links_come_before_the_pool() -> None:
    said = [("pool", "service"), ("redis", "kernel"), ("postgres", "kernel")]
    lines = [CountLine(of=of, what="n", source=source, points=[(0.0, 1.0)]) for of, source in said]
    titles = [panel.title for panel in panels_of(lines, TimeScale(0, 10, 0, 1000), 0)]
    assert titles == ["connections to redis", "connections to postgres", "pool, by the service's word"]


def test_a_kernel_that_does_not_tell_is_said_so() -> None:
    told = CountLine(
        of="redis", what="open", source="kernel", problem="no such protocol", points=[(0.0, None), (1.0, None)]
    )
    (panel,) = panels_of([told], TimeScale(0, 10, 0, 1000), 0)
    assert panel.title == "connections to redis: no such protocol"
    assert panel.lines[0].title == "open: unknown"


def test_a_panel_names_the_lines_that_it_has_no_style_for() -> None:
    lines = [CountLine(of="redis", what=f"n{n}", source="kernel", points=((0.0, 1.0),)) for n in range(STYLES + 2)]
    (panel,) = panels_of(lines, TimeScale(0, 10, 0, 1000), 0)
    assert panel.title == f"connections to redis (not drawn: n{STYLES}, n{STYLES + 1})"
    assert len(panel.lines) == STYLES


def test_a_history_from_before_connections_were_counted_is_drawn_without_them(tmp_path: Path) -> None:
    write_history(tmp_path / "new.jsonl")
    lines = (tmp_path / "new.jsonl").read_text("utf-8").splitlines()
    kept = [line for line in map(json.loads, lines) if line["kind"] != "counted"]
    old = [json.dumps({**line, "seq": seq}) for seq, line in enumerate(kept)]
    (tmp_path / "old.jsonl").write_text("\n".join(old), "utf-8")
    found = chronicle_of(read_history(tmp_path / "old.jsonl"))
    assert found is not None
    timeline = timeline_of(found, titled=True)
    assert timeline is not None
    assert timeline.panels == []
    assert timeline.shade_bottom == timeline.flight_bottom


def test_a_drawing_is_told_in_words(chronicle: Chronicle) -> None:
    timeline = timeline_of(chronicle, titled=False)
    assert timeline is not None
    assert timeline.summary == (
        "Latency of 3 requests: 1 acknowledged, 2 unknown. Faults: link.cut(postgres) from 0.50 s to 2.50 s."
        " connections to postgres: open: 5, at most 5, 5 at the end;"
        " connecting: 0, at most 2, 0 at the end."
        " pool, by the service's word: in use: unknown."
    )
    assert timeline.merged("u", judged=True).count("M") == 2


def test_scales() -> None:
    time = TimeScale(10, 20, 0, 100)
    assert (time.x(15), time.x(0), time.x(99)) == (50, 0, 100)
    assert [words for _, words in time.ticks(12)][:4] == ["-2", "0 s", "2", "4"]
    latency = LatencyScale.over([3.0, 700.0], 0, 90)
    assert (latency.y(1000), latency.y(1), latency.y(0)) == (0, 90, 90)
    assert [milliseconds(value) for value in (0.1, 12.4, 7570)] == ["0.1 ms", "12 ms", "7.57 s"]
