"""What there is to say of a run that did not hold, in a few lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from harness.checks import wants
from harness.results.result import RunResult
from harness.results.text import one_line, shortened, telling_lines

LABEL_WIDTH = 6
SEEN_MAX = 2
"""More evidence, and more checks than one beside the first, are counted: the whole is in the report."""
LOGGED_CHARACTERS = 600
"""Of a line of the service's log, which may hold a whole traceback; all of it is in the run's own log file."""


def story(result: RunResult) -> Sequence[str]:
    """The reason, what was to hold, what else failed, what was seen, what the service logged, how to repeat it."""
    return [one_line(result.reason), *(f"  {label:{LABEL_WIDTH}} {text}" for label, text in details(result))]


def details(result: RunResult) -> Iterator[tuple[str, str]]:
    """All but the reason, each with its label, in one line each: what was to hold comes first, `repro` last."""
    others = [f"{check.name}: {check.reason}" for check in result.failing if check.reason not in result.reason]
    seen = [f"{evidence.kind} ({evidence.source}): {evidence.detail}" for evidence in result.evidence]
    if result.failing and (wanted := wants(result.failing[0].name)):
        yield "expect", one_line(wanted)
    for label, texts, most in (("also", others, 1), ("seen", seen, SEEN_MAX)):
        for place, text in enumerate(texts[:most]):
            left_out = len(texts) - most if place == most - 1 else 0
            yield label, one_line(f"{text} (and {left_out} more)" if left_out > 0 else text)
    for line in telling_lines(result.service_log):
        yield "log", shortened(one_line(_error_first(line)), LOGGED_CHARACTERS)
    yield "repro", one_line(result.repro)


def _error_first(line: str) -> str:
    """A line of JSON with its error first and without its times: what comes late in it would be cut off."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return line
    if not isinstance(data, dict):
        return line
    said = {key: text for key, text in data.items() if isinstance(text, str) and not _TIME.match(text)}
    return (
        "; ".join(f"{key}: {said[key]}" for key in sorted(said, key=lambda key: not _ERROR.search(said[key]))) or line
    )


_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
_ERROR = re.compile(r"error\b|exception\b|traceback|fatal|panic", re.IGNORECASE)
