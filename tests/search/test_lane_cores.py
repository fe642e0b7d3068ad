"""What a lane records about the machine's cores: nothing of what was over soon, and of nothing that was long before."""

from __future__ import annotations

from typing import cast

import pytest

from harness.engine.observing.cores import Cores
from harness.history import Recorder
from harness.history.events import CoresSeen
from harness.search.sweep import lane_cores
from harness.search.sweep.lane_cores import LaneCores


class Clock:
    """A clock that is set, and a machine whose figures are the time since the last look."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.looked_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    def since_last(self) -> CoresSeen:
        over_s, self.looked_s = self.now_s - self.looked_s, self.now_s
        return CoresSeen(round(over_s * 1e3), (), 0.9)


@pytest.mark.parametrize(
    ("before_s", "took_s", "over_ms"),
    [(0.0, 0.24, []), (0.0, 0.26, [260]), (0.24, 0.3, [540]), (5.0, 0.3, [300]), (5.0, 0.24, [])],
    ids=["short", "long", "just looked", "looked long ago", "short, looked long ago"],
)
def test_what_took_long_has_the_figures_of_its_time(
    monkeypatch: pytest.MonkeyPatch, before_s: float, took_s: float, over_ms: list[int]
) -> None:
    clock, recorder = Clock(), Recorder()
    monkeypatch.setattr(lane_cores, "time", clock)
    cores = LaneCores(cast("Cores", clock))
    clock.now_s = before_s
    with cores.recorded_if_long(recorder):
        clock.now_s += took_s
    assert [seen.over_ms for seen in recorder.history.of(CoresSeen)] == over_ms


def test_an_error_loses_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, recorder = Clock(), Recorder()
    monkeypatch.setattr(lane_cores, "time", clock)

    def break_late() -> None:
        with LaneCores(cast("Cores", clock)).recorded_if_long(recorder):
            clock.now_s = 1.0
            raise ValueError("broke")

    with pytest.raises(ValueError, match="broke"):
        break_late()
    assert [seen.over_ms for seen in recorder.history.of(CoresSeen)] == [1000]
