"""Describes in a few lines a run that did not hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.checks import wants
from harness.results.places import shown
from harness.results.result import RunResult
from harness.results.service_log import cut_within, telling_line
from harness.results.text import counted, one_line

LABEL_WIDTH = 6
SEEN_MAX = 2
"""How much evidence is shown. More evidence, and failed checks beyond the second, are only counted; the report has
all."""
LOGGED_CHARACTERS = 600
"""How much of a log line to show: it may contain a whole traceback. The run's log file has all of it."""


def story(result: RunResult) -> Sequence[str]:
    """Return the reason, what should have held, other failures, what was seen and logged, how to repeat it."""
    return [one_line(result.reason), *(f"  {label:{LABEL_WIDTH}} {text}" for label, text in details(result))]


def details(result: RunResult) -> Iterator[tuple[str, str]]:
    """Return all but the reason, each in one line with its label. What should have held is first, `repro` last."""
    others = [f"{check.name}: {check.reason}" for check in result.failing if check.reason not in result.reason]
    seen = [f"{evidence.kind} ({evidence.source}): {evidence.detail}" for evidence in result.evidence]
    if result.failing and (wanted := wants(result.failing[0].name)):
        yield "expect", one_line(wanted)
    for label, texts, most, what in (("also", others, 1, "more check"), ("seen", seen, SEEN_MAX, "more piece")):
        for place, text in enumerate(texts[:most]):
            left_out = len(texts) - most if place == most - 1 else 0
            # A line may itself end with the number of similar lines.
            yield label, one_line(f"{text}; and {counted(left_out, what)}" if left_out > 0 else text)
    if line := telling_line(result.service_log, [name for check in result.failing for name in check.deliveries]):
        yield "log", cut_within(line, LOGGED_CHARACTERS)
    if file := log_file(result):
        yield "logged", f"in {shown(str(file))}"
    yield "repro", one_line(result.repro)


def log_file(result: RunResult) -> Path | None:
    """Return the service's log of this run, if it still exists beside the history."""
    if result.history is None:
        return None
    file = result.history.parents[1] / "logs" / f"{result.key}.log"
    return file if file.is_file() else None
