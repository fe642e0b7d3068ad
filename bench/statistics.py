"""Statistics of measured values, and their confidence. No clock, no randomness, no I/O.

Only values of one round are compared: a round is short, so a machine whose speed drifts was nearly equally fast for all
of them. An interval is that of the median by order statistics (the inverted sign test): it assumes that the rounds are
independent, and nothing about the distribution of their values.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A median, and the two values between which the true one lies with the given confidence.

    With few rounds even the widest interval (smallest to largest value) has less confidence than requested;
    `confidence` is the actual one.
    """

    median: float
    low: float
    high: float
    confidence: float

    def apart_from(self, other: Interval) -> bool:
        """Return whether the two intervals do not overlap."""
        return self.low > other.high or self.high < other.low


def median_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Return the narrowest interval of order statistics with this confidence. Raises ValueError without values."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no value was measured")
    number = len(ordered)
    outer = 0
    while outer + 1 < number - outer - 1 and _confidence(number, outer + 1) >= confidence:
        outer += 1
    low, high = ordered[outer], ordered[number - 1 - outer]
    return Interval(statistics.median(ordered), low, high, _confidence(number, outer))


def _confidence(number: int, outer: int) -> float:
    """The confidence that the median is within the values if `outer` of `number` are left out at both ends."""
    missed = sum(math.comb(number, left) for left in range(outer + 1)) / math.pow(2, number)
    return max(0.0, 1 - 2 * missed)


def ratios(values: Sequence[float], base: Sequence[float]) -> list[float]:
    """Divide round by round. Raises ValueError if the rounds do not pair, or if a base is zero."""
    if any(value <= 0 for value in base):
        raise ValueError("a ratio to nothing was asked for")
    return [value / under for value, under in zip(values, base, strict=True)]


def shares(values: Sequence[float], before: Sequence[float], base: Sequence[float]) -> list[float]:
    """Return what each round's value adds to `before`, as a share of `base`. Raises ValueError as `ratios` does."""
    return ratios([value - earlier for value, earlier in zip(values, before, strict=True)], base)


def scatter(values: Sequence[float]) -> float:
    """Half the distance between the quartiles, as a share of the median; 0 for a single value.

    Unlike the interval it does not shrink with more rounds: it shows how far you can trust one value.
    """
    if len(values) < 2:
        return 0.0
    lower, _, upper = statistics.quantiles(values, n=4, method="inclusive")
    middle = statistics.median(values)
    return (upper - lower) / 2 / middle if middle else 0.0


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that this share of all values does not exceed. Raises ValueError without values."""
    if not values:
        raise ValueError("no value was measured")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def orders(names: Sequence[str], seed: int) -> Iterator[tuple[str, ...]]:
    """Yield the orders of rounds endlessly: each is shuffled, and followed by its reverse (A B B A).

    So each arm has the same place on average within a round, and a steady drift cancels out.
    """
    chance = random.Random(seed)  # noqa: S311  # repeatable on purpose
    while True:
        there = chance.sample(list(names), k=len(names))
        yield (*there, *reversed(there))
