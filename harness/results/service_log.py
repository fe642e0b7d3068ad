"""Finds the line of a service's log that explains why a run did not hold."""

from __future__ import annotations

import json
import re
from collections.abc import Collection

from harness.results.text import one_line, telling_lines, without_advice

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
_ERROR = re.compile(r"(?<!internal server )error\b|exception\b|traceback|fatal|panic", re.IGNORECASE)
GAP = " ... "
BEGINNING = 4
"""The part of a long text's beginning that is kept: one in this many. The end of a message tells most."""


def telling_line(log: str, deliveries: Collection[str]) -> str:
    """Return, in one line, why these deliveries failed: the first error that names one of them.

    Later errors are often its consequences. If no line names one: the last line with an error, or the last line. A JSON
    line is given with its error first and without its times.
    """
    named = [re.compile(rf"{re.escape(name)}\b") for name in deliveries]
    of_them = (line for line in log.splitlines() if _ERROR.search(line) and any(name.search(line) for name in named))
    line = next(of_them, None) or next(iter(telling_lines(log)), "")
    return one_line(without_advice(_error_first(line)))


def cut_within(text: str, width: int) -> str:
    """Cut to `width` characters by removing the middle; the end stays."""
    if len(text) <= width:
        return text
    kept = max(0, width - len(GAP))
    beginning = kept // BEGINNING
    return f"{text[:beginning]}{GAP}{text[len(text) - (kept - beginning) :]}"


def _error_first(line: str) -> str:
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


__all__ = ["cut_within", "telling_line"]
