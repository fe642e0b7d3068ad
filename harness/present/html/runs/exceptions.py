"""Finds exceptions in a service's log, exactly as it wrote them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.results.text import shortened

SHOWN_MAX = 3
LINE_CHARACTERS = 1500
TRACE_CHARACTERS = 9000
TRACEBACK = "Traceback (most recent call last)"
_ERROR_KEYS = ("error", "exception", "exc_info", "err")
_PYTHON_ERROR = re.compile(r"[\w.]*(Error|Exception|Warning|Exit|Interrupt)\b")


@dataclass(frozen=True, slots=True)
class Raised:
    """One exception: its message, its traceback if there is one, and how often it was logged."""

    sentence: str
    traceback: str
    count: int


def exceptions_in(log: str) -> Sequence[Raised]:
    """Return the most frequent exceptions, those with a traceback first."""
    counts: dict[str, int] = {}
    traces: dict[str, str] = {}
    for sentence, traceback in _raised(log):
        counts[sentence] = counts.get(sentence, 0) + 1
        if traceback:
            traces.setdefault(sentence, traceback)
    names = sorted(counts, key=lambda sentence: (sentence not in traces, -counts[sentence]))
    shown = names[:SHOWN_MAX]
    return [Raised(shortened(name, LINE_CHARACTERS), _tail(traces.get(name, "")), counts[name]) for name in shown]


def _tail(trace: str) -> str:
    """Return the end of a traceback, which says most."""
    return trace if len(trace) <= TRACE_CHARACTERS else f"...\n{trace[-TRACE_CHARACTERS:]}"


def _raised(log: str) -> Iterator[tuple[str, str]]:
    lines = log.splitlines()
    index = 0
    while index < len(lines):
        line = lines[index]
        index += 1
        if line.startswith("{"):
            yield from _structured(line)
        elif line.lstrip().startswith(TRACEBACK):
            block, index = _block(lines, index)
            yield block[-1].strip(), "\n".join([line, *block])


def _block(lines: Sequence[str], index: int) -> tuple[Sequence[str], int]:
    """The lines of a traceback, up to the first that is not indented: the exception itself."""
    begun = index
    while index < len(lines) and (not lines[index].strip() or lines[index][:1] in " \t"):
        index += 1
    end = min(index + 1, len(lines))
    return lines[begun:end] or [TRACEBACK], end


def _structured(line: str) -> Iterator[tuple[str, str]]:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return
    if not isinstance(data, dict):
        return
    texts = [value for value in data.values() if isinstance(value, str)]
    traceback = next((text for text in texts if TRACEBACK in text), "")
    named = next((data[key] for key in _ERROR_KEYS if isinstance(data.get(key), str) and data[key] != traceback), "")
    sentence = named or (traceback.strip().splitlines()[-1] if traceback else "")
    if sentence and (traceback or _PYTHON_ERROR.search(sentence)):
        yield " ".join(sentence.split()), traceback
