"""Reads what `python -X importtime` prints."""

from __future__ import annotations

import re
from collections.abc import Mapping

_LINE = re.compile(r"^import time:\s+(?P<own_us>\d+) \|\s+\d+ \|\s+(?P<name>\S+)$", re.MULTILINE)


def own_times(text: str) -> Mapping[str, float]:
    """Return each module's own time in ms, without its imports."""
    found: dict[str, float] = {}
    for match in _LINE.finditer(text):
        found[match["name"]] = found.get(match["name"], 0.0) + int(match["own_us"]) / 1e3
    return found


def by_package(times: Mapping[str, float]) -> Mapping[str, float]:
    """Add them up by top-level package."""
    found: dict[str, float] = {}
    for name, own_ms in times.items():
        top = name.partition(".")[0]
        found[top] = found.get(top, 0.0) + own_ms
    return found
