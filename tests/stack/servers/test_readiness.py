from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from harness.stack.servers.readiness import EndedError, NotReadyError, wait_ready


def test_the_probe_is_asked_until_it_answers() -> None:
    answers: Iterator[NotReadyError | str] = iter([NotReadyError("starting"), NotReadyError("starting"), "ready"])

    def probe() -> str:
        answer = next(answers)
        if isinstance(answer, NotReadyError):
            raise answer
        return answer

    assert wait_ready(probe, ended=threading.Event(), deadline_s=60, interval_s=0.001) == "ready"


def test_the_deadline_tells_the_last_reason() -> None:
    def probe() -> None:
        raise NotReadyError("still in recovery")

    with pytest.raises(TimeoutError, match="still in recovery"):
        wait_ready(probe, ended=threading.Event(), deadline_s=0.02, interval_s=0.005)


def test_the_end_of_the_process_ends_the_wait_while_it_waits() -> None:
    ended = threading.Event()

    def probe() -> None:
        threading.Timer(0.01, ended.set).start()
        raise NotReadyError("not yet")

    with pytest.raises(EndedError):
        wait_ready(probe, ended=ended, deadline_s=600, interval_s=600)


def test_a_probe_that_breaks_is_not_waited_for() -> None:
    def probe() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        wait_ready(probe, ended=threading.Event(), deadline_s=600)
