"""For how many requests a service connects anew."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from harness.checks.clock import Span
from harness.engine.observing.service.reconnects import RECONNECTS, healthy_spans, reconnects, share
from harness.engine.rig import Rig
from harness.engine.steps import Deliver
from harness.history import Recorder
from harness.history.events import AtRest, Purpose, RequestEnded, RequestSent, StepBegan
from harness.vocabulary import ACKNOWLEDGED

SPANS: list[Span] = [(0, 10), (20, 30), (40, 50), (60, 70)]


@pytest.mark.parametrize(
    ("times_ns", "hundredths"),
    [([], 0.0), ([5], 25.0), ([5, 6, 7], 25.0), ([15, 55], 0.0), ([5, 25, 45, 65], 100.0), ([10, 20], 50.0)],
)
def test_a_request_counts_once_however_often_it_connects(times_ns: list[int], hundredths: float) -> None:
    assert share(times_ns, SPANS) == hundredths


def test_only_healthy_requests_before_the_scenario_count() -> None:
    recorder = Recorder()

    def request(number: int, purpose: Purpose, begun_ns: int) -> None:
        recorder.record("client", RequestSent(number, "a", "d", 1, purpose.value), t_ns=begun_ns)
        recorder.record("client", RequestEnded(number, ACKNOWLEDGED, 1.0, 200), t_ns=begun_ns + 5)

    request(1, Purpose.WARM, 0)
    request(2, Purpose.HEALTHY, 10)
    recorder.record("test", StepBegan(1, Deliver(1)), t_ns=20)
    request(3, Purpose.SCENARIO, 30)
    request(4, Purpose.HEALTHY, 40)
    assert healthy_spans(recorder.history) == [(10, 15)]


def test_each_link_with_a_limit_is_counted_by_its_own_port() -> None:
    recorder = Recorder()
    recorder.record("client", RequestSent(1, "a", "d", 1, Purpose.HEALTHY.value), t_ns=10)
    recorder.record("client", RequestEnded(1, ACKNOWLEDGED, 1.0, 200), t_ns=20)
    limits, ports = {"free": None, "calm": 5.0, "busy": 5.0}, {"free": 1, "calm": 2, "busy": 3}
    calls = [
        SimpleNamespace(t_ns=15, port=port, is_stream=stream) for port, stream in ((1, True), (2, False), (3, True))
    ]
    rig = SimpleNamespace(
        target=SimpleNamespace(
            description=SimpleNamespace(links={name: SimpleNamespace(reconnects=each) for name, each in limits.items()})
        ),
        site=SimpleNamespace(
            service=SimpleNamespace(syscall_events=lambda: calls),
            links={name: SimpleNamespace(port=port) for name, port in ports.items()},
        ),
        recorder=recorder,
    )
    assert list(reconnects(cast("Rig", rig))) == [
        AtRest(RECONNECTS, 0.0, 5.0, "calm"),
        AtRest(RECONNECTS, 100.0, 5.0, "busy"),
    ]
    calls.clear()
    assert list(reconnects(cast("Rig", rig))) == [], "without the kernel's record nothing is said"
