"""Arms and rounds: what is measured, in which order, and how long."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.statistics import orders
from harness.errors import UsageError

Sample = Mapping[str, float]
"""One measurement: a figure's name to its value. Every arm of a comparison gives the same names."""
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Arm:
    """One of the compared things. `control`: it is the base again, so that its ratio shows the noise."""

    name: str
    measure: Callable[[], Sample]
    control: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long to measure. `rounds`: at most; `budget_s`: no round starts that would end later; `seed`: for orders."""

    rounds: int
    budget_s: float
    seed: int = 0


@dataclass(slots=True)
class Rounds:
    """One value per figure, arm and round: the mean of the round's two samples."""

    values: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    """Arm to figure to values."""

    @property
    def number(self) -> int:
        """How many rounds were made."""
        return max((len(each) for figures in self.values.values() for each in figures.values()), default=0)

    def of(self, arm: str, figure: str) -> Sequence[float]:
        """The values of one arm. Raises UsageError if it was not measured."""
        if arm not in self.values:
            raise UsageError.at("bench", "arm", arm, "was not measured", valid=self.values)
        if figure not in self.values[arm]:
            raise UsageError.at(f"bench: {arm}", "figure", figure, "was not measured", valid=self.values[arm])
        return self.values[arm][figure]

    def add(self, arm: str, samples: Sequence[Sample]) -> None:
        """Append one round's samples of one arm."""
        figures = self.values.setdefault(arm, {})
        for figure in samples[0]:
            figures.setdefault(figure, []).append(statistics.fmean(sample[figure] for sample in samples))


def interleaved(arms: Sequence[Arm], plan: Plan, progress: Progress) -> Rounds:
    """Measure all arms, round by round; the first round always runs, and is not a warm-up."""
    by_name = {arm.name: arm for arm in arms}
    rounds = Rounds()
    began = time.monotonic()
    longest_s = 0.0
    for number, order in enumerate(itertools.islice(orders(list(by_name), plan.seed), plan.rounds), 1):
        round_began = time.monotonic()
        if number > 1 and round_began - began + longest_s > plan.budget_s:
            progress(f"stopped after {number - 1} rounds: the next would end after {plan.budget_s:g} s")
            break
        taken: dict[str, list[Sample]] = {}
        for name in order:
            taken.setdefault(name, []).append(by_name[name].measure())
        for name, samples in taken.items():
            rounds.add(name, samples)
        longest_s = max(longest_s, time.monotonic() - round_began)
        progress(f"round {number} of at most {plan.rounds}: {longest_s:.1f} s")
    return rounds
