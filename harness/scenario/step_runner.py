"""Runs the steps of a scenario, and keeps the moves from which its schedule is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from functools import partial

from harness.engine.performer import End as EndOfStep
from harness.engine.performer import Performer
from harness.engine.steps import Step
from harness.history import Recorder
from harness.history.events import ScenarioProblem, StepBegan, StepEnded
from harness.scenario.schedule import Begin, Do, End, Move


class StepRunner:
    """Runs steps, and records them in the history and as moves.

    `performer`: acts on the service; tests of the engine use it to see what happens. `partial`: the moves do not
    describe the whole scenario, because it looked at an answer, or did two things at once.
    """

    def __init__(self, performer: Performer, recorder: Recorder) -> None:
        self.performer = performer
        self._recorder = recorder
        self._numbers = 0
        self._open: dict[int, EndOfStep] = {}
        self._performing = False
        self.moves: list[Move] = []
        self.partial = False

    async def do(self, step: Step) -> object:
        """Perform a step to its end. Return its result."""
        self.moves.append(Do(step))
        number = self._began(step)
        with self._alone(), self._recorded_end(number):
            return await self.performer.perform(step)

    async def begin(self, step: Step) -> int:
        """Begin a step that goes on. Return its number. A step that cannot begin is recorded as begun and ended."""
        number = self._began(step)
        self.moves.append(Begin(number, step))
        try:
            with self._alone():
                self._open[number] = await self.performer.begin(step)
        except BaseException as problem:
            self.moves.append(End(number))
            self._recorder.record("runner", StepEnded(number, repr(problem)))
            raise
        return number

    async def end(self, number: int) -> object:
        """End the step with that number. Return its result."""
        self.moves.append(End(number))
        # Blocks that overlap without nesting belong to the scenario's own tasks: a schedule cannot repeat those.
        self.partial = self.partial or number != next(reversed(self._open))
        end = self._open.pop(number)
        with self._alone(), self._recorded_end(number):
            return await end()

    async def replay(self, moves: Sequence[Move]) -> None:
        """Perform the moves of a schedule. If one fails, end the steps still going on, the newest first."""
        numbers: dict[int, int] = {}
        try:
            for move in moves:
                match move:
                    case Do(step):
                        await self.do(step)
                    case Begin(number, step):
                        numbers[number] = await self.begin(step)
                    case End(number):
                        await self.end(numbers[number])
        finally:
            async with AsyncExitStack() as unfinished:
                for number in self._open:
                    unfinished.push_async_callback(partial(self.end, number))

    def blame(self, text: str) -> None:
        """Record a mistake of the scenario. `text` says where and what."""
        self._recorder.record("runner", ScenarioProblem(text, wrong=True))

    def _looked(self) -> None:
        """Note that the scenario read an answer: its next step may depend on it."""
        self.partial = True

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two concurrent steps belong to the scenario's own tasks: the moves do not contain their order."""
        self.partial = self.partial or self._performing
        self._performing = True
        try:
            yield
        finally:
            self._performing = False

    def _began(self, step: Step) -> int:
        self._numbers += 1
        self._recorder.record("runner", StepBegan(self._numbers, step))
        return self._numbers

    @contextmanager
    def _recorded_end(self, number: int) -> Iterator[None]:
        problem: str | None = None
        try:
            yield
        except BaseException as error:
            problem = repr(error)
            raise
        finally:
            self._recorder.record("runner", StepEnded(number, problem))
