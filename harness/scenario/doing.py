"""Steps that a scenario asked for, and the answers that it may read."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Generic, TypeVar, cast, overload

from harness.engine.steps import Step
from harness.engine.workload.clients import Answer
from harness.errors import HarnessError
from harness.results.places import shown
from harness.scenario.step_runner import StepRunner

T_co = TypeVar("T_co", covariant=True)


class StepMisuseError(HarnessError):
    """The scenario's Python is wrong: a step was never awaited or entered, or used twice, or read too early.

    `place`: the `file:line` of the scenario where the step was made; empty if that is unknown.
    """

    place = ""


class Doing(Generic[T_co]):
    """A step that was asked for. `await` performs it to its end. `async with` keeps it going while the block runs.

    `given`: what the scenario gets in both cases. `take`: called with the step's result when it has ended.
    """

    def __init__(
        self, runner: StepRunner, step: Step, given: T_co, take: Callable[[object], None] | None = None
    ) -> None:
        self._runner = runner
        self._given = given
        self._take = take
        self._number: int | None = None
        self.step = step
        self.used = False
        self.place = _asked_for_at()

    def _use(self) -> None:
        if self.used:
            raise StepMisuseError(f"lab.{self.step!r} was used already", hint="write it again")
        self.used = True

    def _taken(self, gave: object) -> T_co:
        if self._take is not None:
            self._take(gave)
        return self._given

    def __await__(self) -> Generator[object, None, T_co]:
        self._use()
        return self._run().__await__()

    async def _run(self) -> T_co:
        return self._taken(await self._runner.do(self.step))

    async def __aenter__(self) -> T_co:
        self._use()
        self._number = await self._runner.begin(self.step)
        return self._given

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._number is not None:
            self._taken(await self._runner.end(self._number))

    def check_used(self) -> None:
        """Raise StepMisuseError if it was neither awaited nor entered. Type checkers do not find this."""
        if self.used:
            return
        written = f"await lab.{self.step!r}" if self.step.awaited else f"async with lab.{self.step!r}: ..."
        problem = f"lab.{self.step!r} was neither awaited nor entered, so it never happened"
        misuse = StepMisuseError(problem, hint=f"write: {written}")
        misuse.place = self.place
        raise misuse


class Answers(Sequence[Answer]):
    """The answers to a `deliver`, one for each request, in the order in which the requests were sent.

    If you await `lab.deliver(...)`, you get them at once. With a block you get an empty list, which is filled when the
    block ends. Looking at it before that raises StepMisuseError.

    If a scenario looks at an answer, its schedule is partial, because what its Python did next is not in it.
    """

    def __init__(self, step: Step, looked: Callable[[], None]) -> None:
        self._step = step
        self._looked = looked
        self._answers: Sequence[Answer] | None = None

    def fill(self, answers: object) -> None:
        """Store what the step returned."""
        self._answers = cast("Sequence[Answer]", answers)

    @property
    def _filled(self) -> Sequence[Answer]:
        if self._answers is None:
            problem = f"the answers of lab.{self._step!r} are not there yet: the block that sends them has not ended"
            raise StepMisuseError(problem, hint="read them after the block")
        return self._answers

    @overload
    def __getitem__(self, index: int) -> Answer: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Answer]: ...
    def __getitem__(self, index: int | slice) -> Answer | Sequence[Answer]:
        """Return one answer, or several."""
        answers = self._filled
        self._looked()
        return answers[index]

    def __len__(self) -> int:
        """Return the number of requests that the step sends, which is known beforehand."""
        return len(self._filled)

    def __iter__(self) -> Iterator[Answer]:
        """Iterate over the answers."""
        answers = self._filled
        self._looked()
        return iter(answers)


def _asked_for_at() -> str:
    """Return `file:line` in the scenario where the verb was called: the nearest caller outside this package."""
    own = f"{Path(__file__).parent}{os.sep}"
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename.startswith(own):
        frame = frame.f_back
    return "" if frame is None else f"{shown(frame.f_code.co_filename)}:{frame.f_lineno}"
