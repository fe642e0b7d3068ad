"""Selects the lines of the service's and the servers' logs that were written in a span of time."""

from __future__ import annotations

import datetime as dt
import math
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.results.text import shortened

READ_BYTES_MAX = 16_000_000
"""A log larger than this is read from its end."""

_ISO = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[ T](?P<time>\d\d:\d\d:\d\d)(?P<fraction>\.\d{1,9})?\s?(?P<zone>Z|UTC|[+-]\d\d:?\d\d)?"
)
_REDIS = re.compile(r"(?P<day>\d{1,2} [A-Z][a-z]{2} \d{4}) (?P<time>\d\d:\d\d:\d\d)(?P<fraction>\.\d{3})?")
_TIME_WITHIN = 400
"""A time stands near a line's beginning, or near its end (Toxiproxy's JSON)."""
_TELLING = re.compile(
    r"error|exception|fatal|panic|warn|cut|terminat|cancel|lost|reset|refused|timed? ?out|broken|waiting", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class LoggedAt:
    """One line and its time, in seconds since the epoch. `to_s` is later if the log's clock is coarse."""

    from_s: float
    to_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A log's lines in a window. `left_out`: how many more there were."""

    source: str
    lines: Sequence[tuple[float, str]]
    left_out: int


class LogFile:
    """A log, read once, for the windows of many runs."""

    def __init__(self, path: Path, source: str) -> None:
        self.source = source
        self._lines = sorted(timed_lines(_tail(path)), key=lambda line: line.from_s)
        self._starts = [line.from_s for line in self._lines]

    def within(self, from_s: float, to_s: float, *, lines_max: int, characters: int) -> Excerpt:
        """The lines of a window, each with its seconds since the window's beginning."""
        first = bisect_left(self._starts, from_s - 1)
        found = [line for line in self._lines[first:] if line.from_s <= to_s and line.to_s >= from_s]
        kept = _most_telling(found, lines_max)
        return Excerpt(
            self.source,
            [(line.from_s - from_s, shortened(line.text, characters)) for line in kept],
            len(found) - len(kept),
        )


def _most_telling(lines: Sequence[LoggedAt], count: int) -> Sequence[LoggedAt]:
    if len(lines) <= count:
        return lines
    order = sorted(range(len(lines)), key=lambda i: (not _TELLING.search(lines[i].text), i))
    return [lines[i] for i in sorted(order[:count])]


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - READ_BYTES_MAX))
        return file.read().decode("utf-8", "replace")


def timed_lines(text: str) -> Iterator[LoggedAt]:
    """Lines with their times; a line without one belongs to the line before it."""
    last: tuple[float, float] | None = None
    for line in text.splitlines():
        last = _time_of(line) or last
        if last is not None and line.strip():
            yield LoggedAt(*last, line)


def _time_of(line: str) -> tuple[float, float] | None:
    for part in (line[:_TIME_WITHIN], line[_TIME_WITHIN:][-_TIME_WITHIN:]):
        for expression, form in ((_ISO, "%Y-%m-%d"), (_REDIS, "%d %b %Y")):
            found = expression.search(part)
            if found:
                return _seconds(found, form)
    return None


def _seconds(found: re.Match[str], form: str) -> tuple[float, float] | None:
    groups = found.groupdict()
    zone = groups.get("zone")
    text = f"{groups['day']} {groups['time']}"
    try:
        moment = dt.datetime.strptime(text, f"{form} %H:%M:%S")  # noqa: DTZ007  # the zone is added in the next lines
        if zone:
            moment = moment.replace(tzinfo=dt.UTC if zone in ("Z", "UTC") else _offset(zone))
        # A time without a zone is the machine's local time. Redis writes such times.
        whole = moment.timestamp()
    except (ValueError, OverflowError):
        return None
    fraction = groups["fraction"]
    from_s = whole + float(fraction or 0)
    return from_s, from_s if fraction else math.nextafter(whole + 1, 0)


def _offset(zone: str) -> dt.timezone:
    sign = -1 if zone[0] == "-" else 1
    return dt.timezone(sign * dt.timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:])))


def epoch_s(wall_clock: str) -> float | None:
    """Read a history's wall-clock anchor."""
    try:
        return dt.datetime.fromisoformat(wall_clock).timestamp()
    except ValueError:
        return None
