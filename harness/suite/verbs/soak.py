"""Runs the same scenarios again and again."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from harness.scenario.scenario import Scenario
from harness.suite.selection.chosen import Chosen
from harness.suite.session import Session
from harness.suite.verbs.first_runs import FirstRuns


def soak(suite: Chosen, session: Session, rounds: int, begins: Callable[[int, int], object]) -> None:
    """Run the selection `rounds` times, each time with the next seed. `begins(number, seed)` is called before each."""
    first = FirstRuns(suite.target)

    def one(scenario: Scenario, seed: int, folder: Path) -> None:
        first.look_at(session.run(scenario, seed=seed, folder=folder))

    for number in range(rounds):
        seed = suite.settings.seed + number
        begins(number + 1, seed)
        folder = session.folder.path / f"round-{number + 1:03}"
        session.each(suite.chosen, functools.partial(one, seed=seed, folder=folder))
