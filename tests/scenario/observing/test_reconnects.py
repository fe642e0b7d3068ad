"""For how many requests a service connects anew."""

from __future__ import annotations

import pytest

from harness.checks.clock import Span
from harness.engine.observing.service.reconnects import healthy_spans, share
from harness.engine.steps import Deliver
from harness.history import Recorder
from harness.history.events import Purpose, RequestEnded, RequestSent, StepBegan
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
