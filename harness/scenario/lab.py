"""The lab: the only thing in a scenario that acts.

`await lab.verb()` does it to its end; `async with lab.verb()` keeps it on while the block runs.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from types import TracebackType
from typing import Generic, TypeVar, cast, overload

from harness.engine.performer import Ongoing, Performer
from harness.engine.steps import Deliver, Expect, Heal, Inject, Restart, Step, Traffic, Until
from harness.engine.workload import Answer
from harness.errors import HarnessError
from harness.faults.fault import Fault
from harness.history import Recorder
from harness.history.events import ScenarioProblem, StepBegan, StepEnded
from harness.results.places import shown
from harness.scenario.schedule import Begin, Do, End, Move
from harness.vocabulary import ACKNOWLEDGED, Figure, Moment, Outcome

T_co = TypeVar("T_co", covariant=True)


class StepMisuseError(HarnessError):
    """A step was made and neither awaited nor entered, or used twice: the scenario's Python is wrong.

    `place`: the `file:line` of the scenario where it was made; empty where nobody knows.
    """

    place = ""


class Doing(Generic[T_co]):
    """A step that was asked for. `await` it: done to its end. `async with` it: on while the block runs."""

    def __init__(self, lab: Lab, step: Step, result: Callable[[object], T_co]) -> None:
        self._lab = lab
        self._result = result
        self._number = 0
        self._ongoing: Ongoing | None = None
        self.step = step
        self.used = False
        self.place = _asked_for_at()

    def _use(self) -> None:
        if self.used:
            raise StepMisuseError(f"lab.{self.step!r} was used already", hint="write it again")
        self.used = True

    def __await__(self) -> Generator[object, None, T_co]:
        self._use()
        return self._run().__await__()

    async def _run(self) -> T_co:
        return self._result(await self._lab.do(self.step))

    async def __aenter__(self) -> None:
        self._use()
        self._number, self._ongoing = await self._lab.begin(self.step)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ongoing is not None:
            await self._lab.end(self._number, self._ongoing)


class Answers(Sequence[Answer]):
    """The answers to a `deliver`. Looking at one is told to the schedule: it cannot be all there is to it."""

    def __init__(self, answers: Sequence[Answer], looked: Callable[[], None]) -> None:
        self._answers = answers
        self._looked = looked

    @overload
    def __getitem__(self, index: int) -> Answer: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Answer]: ...
    def __getitem__(self, index: int | slice) -> Answer | Sequence[Answer]:
        """Look at an answer, or several."""
        self._looked()
        return self._answers[index]

    def __len__(self) -> int:
        """How many there are: as many as the step asked for, so nothing is learned by it."""
        return len(self._answers)

    def __iter__(self) -> Iterator[Answer]:
        """Look at each of them."""
        self._looked()
        return iter(self._answers)


class Lab:
    """The verbs of a scenario. Each makes a step, which is recorded and can be replayed."""

    def __init__(self, performer: Performer, recorder: Recorder) -> None:
        self._performer = performer
        self._recorder = recorder
        self._made: list[Doing[object]] = []
        self._numbers = 0
        self._open: list[int] = []
        self._performing = False
        self.moves: list[Move] = []
        self.partial = False

    def deliver(
        self,
        n: int = 1,
        *,
        copies: int = 1,
        expect: Outcome = ACKNOWLEDGED,
        slower_ms_max: float | None = None,
        hang_up_at: Moment | None = None,
    ) -> Doing[Sequence[Answer]]:
        """`n` different deliveries, each in `copies`, all at once. The block's end waits for the answers.

        Each must have an outcome in `expect` (check `outcome`) and take at most `slower_ms_max` more
        than this run's own healthy answer (check `slower`). `hang_up_at`: the clients hang up then.
        """
        step = Deliver(n, copies=copies, expect=expect, slower_ms_max=slower_ms_max, hang_up_at=hang_up_at)
        return self._doing(step, lambda found: Answers(cast("Sequence[Answer]", found), self._looked))

    def traffic(
        self, *, clients: int, expect: Outcome = ACKNOWLEDGED, slower_ms_max: float | None = None
    ) -> AbstractAsyncContextManager[None]:
        """That many clients, each sending the next when the last is answered, for the block."""
        return self._doing(Traffic(clients=clients, expect=expect, slower_ms_max=slower_ms_max), _nothing)

    def inject(self, *faults: Fault) -> Doing[None]:
        """In this order. The block's end heals them, in reverse; awaited, they last until `heal` or the end."""
        return self._doing(Inject(faults), _nothing)

    def heal(self, *faults: Fault) -> Awaitable[None]:
        """Heal faults by their values."""
        return self._doing(Heal(faults), _nothing)

    def until(self, moment: Moment, *, within_s: float = 10.0) -> Awaitable[None]:
        """Wait for a moment. States are polled; events count since the last `inject` or `heal` began."""
        return self._doing(Until(moment, within_s=within_s), _nothing)

    def restart(self) -> Awaitable[None]:
        """Stop and start the service; over when it is alive (not: ready)."""
        return self._doing(Restart(), _nothing)

    def expect(self, figure: Figure, *, at_most: float | None = None, at_least: float | None = None) -> None:
        """Judged at the end, over the whole scenario (check `figure`); give one limit or both."""
        step = Expect(figure, at_most=at_most, at_least=at_least)
        self.moves.append(Do(step))
        with _StepEnd(self._recorder, self._began(step)):
            self._performer.expectations.append(step)

    def _doing(self, step: Step, result: Callable[[object], T_co]) -> Doing[T_co]:
        doing = Doing(self, step, result)
        self._made.append(doing)
        return doing

    def _looked(self) -> None:
        self.partial = True

    def check_all_used(self) -> None:
        """Raise StepMisuseError for a step that was made and never begun: type checkers miss it."""
        for doing in self._made:
            if not doing.used:
                misuse = StepMisuseError(
                    f"lab.{doing.step!r} was neither awaited nor entered, so it never happened",
                    hint=_written_right(doing.step),
                )
                misuse.place = doing.place
                raise misuse

    def blame(self, text: str) -> None:
        """Take down that the scenario is wrong: `text` says where, and what."""
        self._recorder.record("runner", ScenarioProblem(text, wrong=True))

    async def do(self, step: Step) -> object:
        """Perform a step to its end and take it down."""
        self.moves.append(Do(step))
        number = self._began(step)
        with self._alone(), _StepEnd(self._recorder, number):
            return await self._performer.perform(step)

    async def begin(self, step: Step) -> tuple[int, Ongoing]:
        """Begin a step that goes on. One that cannot begin is taken down all the same, and as over."""
        number = self._began(step)
        self.moves.append(Begin(number, step))
        try:
            with self._alone():
                ongoing = await self._performer.begin(step)
        except BaseException as problem:
            self.moves.append(End(number))
            self._recorder.record("runner", StepEnded(number, repr(problem)))
            raise
        self._open.append(number)
        return number, ongoing

    async def end(self, number: int, ongoing: Ongoing) -> None:
        """End it."""
        self.moves.append(End(number))
        # Blocks that overlap without being nested are tasks of the scenario's own: no schedule tells of those.
        self.partial = self.partial or number != self._open[-1]
        self._open.remove(number)
        with self._alone(), _StepEnd(self._recorder, number):
            await ongoing.end()

    async def replay(self, moves: Sequence[Move]) -> None:
        """Perform the moves of a schedule; what is still going on when one fails is ended, newest first."""
        open_blocks: dict[int, tuple[int, Ongoing]] = {}
        try:
            for move in moves:
                match move:
                    case Do(step):
                        await self.do(step)
                    case Begin(number, step):
                        open_blocks[number] = await self.begin(step)
                    case End(number):
                        await self.end(*open_blocks.pop(number))
        finally:
            async with AsyncExitStack() as unfinished:
                for block in open_blocks.values():
                    unfinished.push_async_callback(self.end, *block)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two steps at once are tasks of the scenario's own: their order is not in the moves."""
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


class _StepEnd:
    """Takes down the end of a step, and what broke it."""

    def __init__(self, recorder: Recorder, number: int) -> None:
        self._recorder = recorder
        self._number = number

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._recorder.record("runner", StepEnded(self._number, None if error is None else repr(error)))


def _asked_for_at() -> str:
    """`file:line` of whoever called the verb: a step is made by `_doing`, and that by the verb."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return "" if frame is None else f"{shown(frame.f_code.co_filename)}:{frame.f_lineno}"


def _written_right(step: Step) -> str:
    return f"write: await lab.{step!r}" if step.awaited else f"write: async with lab.{step!r}: ..."


def _nothing(_: object) -> None:
    return None
