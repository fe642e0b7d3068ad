from __future__ import annotations

import pytest

from bench.imports import by_package, own_times
from bench.phases import durations_ms
from harness.history import Entry, History
from harness.history.events import Event, PhaseBegan, ServiceStarted

IMPORTTIME = """\
import time: self [us] | cumulative | imported package
import time:       500 |        500 |     sqlalchemy.util
import time:      1500 |       2000 |   sqlalchemy
import time:       250 |       2250 | webhook
and a line of something else
"""


def test_own_times_are_added_up_by_package() -> None:
    assert by_package(own_times(IMPORTTIME)) == {"sqlalchemy": 2.0, "webhook": 0.25}


def _history(*events: tuple[int, Event]) -> History:
    return History(tuple(Entry(seq, ms * 1_000_000, "runner", event) for seq, (ms, event) in enumerate(events)))


def test_a_run_is_split_by_its_phases() -> None:
    history = _history(
        (0, PhaseBegan("start")),
        (70, ServiceStarted(1, 2, 50.0)),
        (71, PhaseBegan("steady")),
        (90, PhaseBegan("rows")),
        (95, PhaseBegan("again")),
        (96, PhaseBegan("rows")),
        (100, PhaseBegan("finished")),
    )

    found = durations_ms(history, whole_ms=130.0)

    assert found == {
        "laying": 20.0, "service start": 51.0, "steady": 19.0, "rows": 9.0, "again": 1.0, "finished": 0.0,
        "end": 30.0, "all": 130.0,
    }  # fmt: skip


def test_a_restart_belongs_to_its_phase() -> None:
    history = _history(
        (0, PhaseBegan("start")),
        (60, ServiceStarted(1, 2, 50.0)),
        (60, PhaseBegan("scenario")),
        (160, ServiceStarted(3, 2, 50.0)),
        (200, PhaseBegan("rows")),
    )

    assert durations_ms(history, whole_ms=200.0)["scenario"] == 140.0


def test_an_empty_history_is_an_error() -> None:
    with pytest.raises(ValueError, match="empty"):
        durations_ms(History(()), whole_ms=1.0)
