"""A lab that takes everything down and does nothing."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import harness
from harness.engine.performer import End as EndOfStep
from harness.engine.performer import Performer
from harness.engine.steps import Deliver, Expect, Step
from harness.engine.workload.clients import Answer
from harness.history import Recorder
from harness.scenario.lab import Lab
from harness.scenario.schedule import Begin, Do, End, Move, Schedule
from harness.vocabulary import ACKNOWLEDGED


@dataclass
class Nothing:
    """Stands where the performer stands, acts on nothing, and raises where it is told to."""

    did: list[tuple[str, Step]] = field(default_factory=list)
    breaks: dict[tuple[str, str], Exception] = field(default_factory=dict)
    expectations: list[Expect] = field(default_factory=list)
    gate: asyncio.Event | None = None

    async def perform(self, step: Step) -> object:
        self._take("do", step)
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(step, Expect):
            self.expect(step)
        return self._answers(step) if isinstance(step, Deliver) else None

    def expect(self, step: Expect) -> None:
        self.expectations.append(step)

    async def begin(self, step: Step) -> EndOfStep:
        self._take("begin", step)

        async def end() -> object:
            self._take("end", step)
            return self._answers(step) if isinstance(step, Deliver) else None

        return end

    def _answers(self, step: Deliver) -> Sequence[Answer]:
        return [Answer(f"msg_{n}", ACKNOWLEDGED, 200, b"{}", 1.0) for n in range(step.n * step.copies)]

    def _take(self, what: str, step: Step) -> None:
        self.did.append((what, step))
        if (what, step.kind) in self.breaks:
            raise self.breaks[what, step.kind]


@dataclass
class Bench:
    """A lab on nothing, and what it leaves."""

    performer: Nothing = field(default_factory=Nothing)
    recorder: Recorder = field(default_factory=Recorder)

    def __post_init__(self) -> None:
        self.actor = Lab(cast("Performer", self.performer), self.recorder)

    @property
    def moves(self) -> tuple[Move, ...]:
        return tuple(self.actor.moves)


def play(scenario: Callable[[Lab], Awaitable[None]], bench: Bench | None = None) -> Bench:
    """Play a scenario on nothing."""
    bench = bench or Bench()

    async def through() -> None:
        await scenario(bench.actor)

    asyncio.run(through())
    return bench


def play_source(source: str) -> Bench:
    """Play the body of a scenario, given as text."""
    names: dict[str, Any] = {name: getattr(harness, name) for name in harness.__all__}
    body = textwrap.indent(source.strip() or "pass", "    ")
    exec(f"async def scenario(lab):\n{body}\n", names)  # noqa: S102  # Python source is what is tested
    return play(names["scenario"])


def schedule(moves: Sequence[Move], *, partial: bool = False) -> Schedule:
    return Schedule(
        id="a[b-1]",
        profile="hardened",
        without=("pool.pre_ping", "deadline.statement:eager"),
        seed=7,
        partial=partial,
        moves=tuple(moves),
    )


@dataclass(frozen=True)
class Block:
    """A step with what happens while it goes on."""

    step: Step
    inside: tuple[Block | Step, ...]


def moves_of(program: Sequence[Block | Step]) -> list[Move]:
    """Number the blocks as a lab does: each step has a number, in the order of beginning."""
    moves: list[Move] = []
    steps = 0

    def walk(parts: Sequence[Block | Step]) -> None:
        nonlocal steps
        for part in parts:
            steps += 1
            if isinstance(part, Block):
                number = steps
                moves.append(Begin(number, part.step))
                walk(part.inside)
                moves.append(End(number))
            else:
                moves.append(Do(part))

    walk(program)
    return moves
