"""What all verbs share: each creates a step that acts when it is awaited or entered."""

from __future__ import annotations

from typing import TypeVar

from harness.engine.performer import Performer
from harness.history import Recorder
from harness.scenario.doing import Doing
from harness.scenario.step_runner import StepRunner

DoingT = TypeVar("DoingT", bound=Doing[object])


class Verbs(StepRunner):
    """Keeps the steps that verbs have made, so that one which was never used is found."""

    def __init__(self, performer: Performer, recorder: Recorder) -> None:
        super().__init__(performer, recorder)
        self._asked: list[Doing[object]] = []

    def _doing(self, doing: DoingT) -> DoingT:
        self._asked.append(doing)
        return doing

    def check_all_used(self) -> None:
        """Raise StepMisuseError for a step that was made and never begun."""
        for doing in self._asked:
            doing.check_used()
