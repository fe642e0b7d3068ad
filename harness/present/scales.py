"""Converts seconds and milliseconds into positions in a drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

TICKS_WANTED = 9


@dataclass(frozen=True, slots=True)
class TimeScale:
    """Seconds across: `from_s` at `left`, `to_s` at `right`."""

    from_s: float
    to_s: float
    left: float
    right: float

    def x(self, at_s: float) -> float:
        """The place of a moment; what lies outside is put on the edge."""
        share = (at_s - self.from_s) / ((self.to_s - self.from_s) or 1)
        return round(self.left + min(1, max(0, share)) * (self.right - self.left), 1)

    def ticks(self, zero_s: float) -> Sequence[tuple[float, str]]:
        """Return round numbers of seconds since `zero_s`, with their labels."""
        step = _round_step((self.to_s - self.from_s) / TICKS_WANTED)
        first = math.ceil((self.from_s - zero_s) / step)
        last = math.floor((self.to_s - zero_s) / step)
        return [(self.x(zero_s + n * step), f"{n * step:g}" if n else "0 s") for n in range(first, last + 1)]


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(max(rough, 1e-6)))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)


@dataclass(frozen=True, slots=True)
class LatencyScale:
    """Milliseconds upwards, by their logarithm: full decades from `least` to `most`."""

    least: float
    most: float
    top: float
    bottom: float

    @classmethod
    def over(cls, values: Sequence[float], top: float, bottom: float) -> LatencyScale:
        """A scale that holds all values; at least from 1 ms to 100 ms."""
        low = max(0.1, min([value for value in values if value > 0], default=1))
        least = 10.0 ** math.floor(math.log10(low))
        most = 10.0 ** math.ceil(math.log10(max([*values, 100.0])) - 1e-9)
        return cls(min(least, 1), most, top, bottom)

    def y(self, value_ms: float) -> float:
        """Return the position of a duration. Durations below the minimum are drawn at the bottom."""
        share = math.log10(max(value_ms, self.least) / self.least) / math.log10(self.most / self.least)
        return round(self.bottom - min(1, share) * (self.bottom - self.top), 1)

    def ticks(self) -> Sequence[tuple[float, str]]:
        """Return each decade with its label."""
        decades = range(round(math.log10(self.least)), round(math.log10(self.most)) + 1)
        return [(self.y(10.0**power), milliseconds(10.0**power)) for power in decades]


def milliseconds(value_ms: float) -> str:
    """`0.1 ms`, `12 ms`, `1 s`, `7.57 s`."""
    if value_ms >= 1000:
        return f"{value_ms / 1000:.3g} s"
    return f"{value_ms:.0f} ms" if value_ms >= 10 else f"{value_ms:.2g} ms"
