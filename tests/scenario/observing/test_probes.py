"""What a service's metrics say, and what they do not."""

from __future__ import annotations

import pytest

from harness.engine.observing.service.probes import Probed
from harness.errors import HarnessError

SHOWS_ALL = """# TYPE retries_total counter
retries_total{reason="lost"} 3.0
retries_total{reason="late"} 0.0
"""
SHOWS_WHAT_IT_COUNTED = """# TYPE retries_total counter
retries_total{reason="lost"} 3.0
# TYPE shed_total counter
"""


@pytest.mark.parametrize(
    ("text", "name", "labels", "value"),
    [
        (SHOWS_ALL, "retries_total", {}, 3),
        (SHOWS_ALL, "retries_total", {"reason": "late"}, 0),
        (SHOWS_WHAT_IT_COUNTED, "retries_total", {"reason": "late"}, 0),
        (SHOWS_WHAT_IT_COUNTED, "shed_total", {}, 0),
        (SHOWS_WHAT_IT_COUNTED, "shed_total", {"reason": "late"}, 0),
    ],
)
def test_what_was_counted(text: str, name: str, labels: dict[str, str], value: float) -> None:
    assert Probed(text).get(name, labels) == value


@pytest.mark.parametrize(
    ("text", "name", "labels", "problem", "valid"),
    [
        (SHOWS_ALL, "retrys_total", {}, "no metric 'retrys_total'", "retries_total"),
        (SHOWS_ALL, "retries_total", {"why": "late"}, "no label 'why'", "reason"),
        (SHOWS_ALL, "retries_total", {"reason": "lte"}, "no reason 'lte'", "late, lost"),
        (SHOWS_WHAT_IT_COUNTED, "retries_total", {"why": "late"}, "no label 'why'", "reason"),
        (SHOWS_WHAT_IT_COUNTED, "sheds_total", {}, "no metric 'sheds_total'", "retries_total"),
    ],
)
def test_what_there_is_not_is_no_zero(text: str, name: str, labels: dict[str, str], problem: str, valid: str) -> None:
    with pytest.raises(HarnessError, match=problem) as raised:
        Probed(text).get(name, labels)
    assert valid in raised.value.hint


def test_all_values_of_a_label_are_known_whatever_they_are() -> None:
    text = 'a{reason="x",why="y"} 1\nb_total{why="it said \\"no\\", twice"} 0\n# HELP c of why="z"\nc{whys="q"} 1\n'
    assert Probed(text).values("why") == {"y", 'it said \\"no\\", twice'}


@pytest.mark.parametrize(
    ("content_type", "taken"),
    [
        ("text/plain; version=0.0.4; charset=utf-8", True),
        ("application/openmetrics-text; version=1.0.0", True),
        ("", False),
        ("application/json", False),
        ("text/html", False),
    ],
)
def test_which_content_types_prometheus_takes(content_type: str, taken: bool) -> None:
    assert Probed("", content_type=content_type).is_taken is taken
