"""What there is to say of a run that did not hold, in a few lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.results.result import RunResult
from harness.results.text import one_line, shortened, telling_lines

LABEL_WIDTH = 6
EACH_MAX = 2
"""More of a kind are counted: the whole is in the report."""
LOGGED_CHARACTERS = 600
"""Of a line of the service's log, which may hold a whole traceback; all of it is in the run's own log file."""


def story(result: RunResult) -> Sequence[str]:
    """The reason, what else failed, what was seen, what the service logged last, and how to repeat it."""
    return [one_line(result.reason), *(f"  {label:{LABEL_WIDTH}} {text}" for label, text in details(result))]


def details(result: RunResult) -> Iterator[tuple[str, str]]:
    """All but the reason, each with its label; one line each, of a kind at most EACH_MAX."""
    others = [f"{check.name}: {check.reason}" for check in result.failing if check.reason not in result.reason]
    seen = [f"{evidence.kind} ({evidence.source}): {evidence.detail}" for evidence in result.evidence]
    for label, texts in (("also", others), ("seen", seen)):
        for place, text in enumerate(texts[:EACH_MAX]):
            left_out = len(texts) - EACH_MAX if place == EACH_MAX - 1 else 0
            yield label, one_line(f"{text} (and {left_out} more)" if left_out > 0 else text)
    for line in telling_lines(result.service_log):
        yield "log", shortened(one_line(line), LOGGED_CHARACTERS)
    yield "repro", one_line(result.repro)
