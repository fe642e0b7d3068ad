"""A sequence of steps that can be printed, kept in a file, and performed again.

A file is JSON, `"schema": "harness.schedule/1"`. Each entry does one thing: `do` a step to its
end, `begin` one that goes on, `end` one that was begun.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StrictBool, StrictInt, model_validator

from harness.documents import Table, check_document, check_schema, read_json, wrong
from harness.engine.steps import Step
from harness.errors import UsageError
from harness.results.files import write_atomically
from harness.vocabulary import Json, from_json, to_json

SCHEMA = "harness.schedule/1"
MOVES = 'write {"do": STEP}, {"begin": STEP, "number": N} or {"end": N}'
ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._=+\-\[\]]*")
NAME = re.compile(r"[a-z][a-z0-9_.:]*")


@dataclass(frozen=True, slots=True)
class Do:
    """Perform a step to its end."""

    step: Step


@dataclass(frozen=True, slots=True)
class Begin:
    """Begin a step that goes on until its `End`."""

    number: int
    step: Step


@dataclass(frozen=True, slots=True)
class End:
    """End the step that began under this number."""

    number: int


Move = Do | Begin | End


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What one run did, and under which configuration.

    `partial`: the scenario's Python read an answer, or did two things at once, so these steps are not all that it does.
        It is repeated by its id and seed.
    """

    id: str
    profile: str
    without: tuple[str, ...]
    seed: int
    partial: bool
    moves: tuple[Move, ...]

    def to_json(self) -> Json:
        """The schedule as a JSON object."""
        return {
            "schema": SCHEMA,
            "id": self.id,
            "profile": self.profile,
            "without": list(self.without),
            "seed": self.seed,
            "partial": self.partial,
            "steps": [_move_to_json(move) for move in self.moves],
        }

    def to_python(self) -> str:
        """Return the schedule as the body of a Python scenario."""
        return "\n".join(_python(self.moves)) + "\n"

    def write(self, path: Path) -> None:
        """Write the file, one step a line. Raises OSError."""
        data = self.to_json()
        if not isinstance(data, dict) or not isinstance(data["steps"], list):
            raise TypeError("a schedule is an object with steps")
        head = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in data.items() if key != "steps"]
        steps = ",\n".join(f"    {json.dumps(step)}" for step in data["steps"])
        write_atomically(path, "{\n" + ",\n".join([*head, f'  "steps": [\n{steps}\n  ]']) + "\n}\n")


class _Move(Table):
    do: dict[str, Any] | None = None
    begin: dict[str, Any] | None = None
    number: StrictInt | None = None
    end: StrictInt | None = None

    @model_validator(mode="after")
    def _one_of_three(self) -> _Move:
        if self.model_fields_set not in ({"do"}, {"begin", "number"}, {"end"}):
            raise wrong("not a move", MOVES)
        return self


def _name(expression: re.Pattern[str]) -> AfterValidator:
    """Check a name, because it becomes part of a file name."""

    def check(text: str) -> str:
        if not expression.fullmatch(text):
            raise wrong("not a name", f"write only what {expression.pattern} finds")
        return text

    return AfterValidator(check)


class _File(Table):
    schema_: Literal["harness.schedule/1"] = Field(alias="schema")
    id: Annotated[str, _name(ID)]
    profile: Annotated[str, _name(NAME)]
    without: tuple[Annotated[str, _name(NAME)], ...]
    seed: StrictInt
    partial: StrictBool
    steps: tuple[_Move, ...]


def read_schedule(path: Path) -> Schedule:
    """Read a schedule file. Raises UsageError that names place, key, value, nearest valid one and remedy."""
    data = read_json(path, mend="name a schedule file")
    check_schema(data, place=str(path), schema=SCHEMA)
    file = check_document(_File, data, place=str(path))
    moves = tuple(_move(move, f"{path}: steps[{index}]") for index, move in enumerate(file.steps))
    _check_blocks(moves, str(path), nested=not file.partial)
    return Schedule(
        id=file.id, profile=file.profile, without=file.without, seed=file.seed, partial=file.partial, moves=moves
    )


def _move(move: _Move, place: str) -> Move:
    if move.do is not None:
        return Do(_fitting(from_json(move.do, Step, place=f"{place}.do"), place, "do"))
    if move.begin is not None and move.number is not None:
        return Begin(move.number, _fitting(from_json(move.begin, Step, place=f"{place}.begin"), place, "begin"))
    if move.end is not None:
        return End(move.end)
    raise UsageError.at(place, "step", None, "not a move", mend=MOVES)


def _move_to_json(move: Move) -> Json:
    match move:
        case Do(step):
            return {"do": to_json(step)}
        case Begin(number, step):
            return {"begin": to_json(step), "number": number}
        case End(number):
            return {"end": number}


def _fitting(step: Step, place: str, move: str) -> Step:
    """Refuse a step that cannot be performed to its end, or one that cannot go on."""
    if not (step.awaited if move == "do" else step.entered):
        other = '"begin" and "end" it' if move == "do" else '"do" it'
        raise UsageError.at(place, move, step.kind, "this step cannot be used like this", mend=other)
    return step


def _check_blocks(moves: Sequence[Move], path: str, *, nested: bool) -> None:
    """Refuse blocks that are not begun once and ended once in reverse order: Python cannot express them."""
    begun: set[int] = set()
    open_blocks: list[int] = []
    for index, move in enumerate(moves):
        place = f"{path}: steps[{index}]"
        if isinstance(move, Begin):
            if move.number in begun:
                mend = f"write {max(begun) + 1}"
                raise UsageError.at(place, "number", move.number, "another block has this number", mend=mend)
            begun.add(move.number)
            open_blocks.append(move.number)
        elif isinstance(move, End):
            _check_end(move, open_blocks, place, nested=nested)
            open_blocks.remove(move.number)
    if open_blocks:
        raise UsageError.at(path, "begin", open_blocks[0], "is never ended", mend=f'add {{"end": {open_blocks[0]}}}')


def _check_end(end: End, open_blocks: Sequence[int], place: str, *, nested: bool) -> None:
    known = [str(number) for number in open_blocks]
    if end.number not in open_blocks:
        mend = "" if known else "begin one first"
        raise UsageError.at(place, "end", str(end.number), "no block of this number is open", valid=known, mend=mend)
    if nested and end.number != open_blocks[-1]:
        problem = "a block that began later is still open"
        raise UsageError.at(place, "end", end.number, problem, mend=f'write {{"end": {open_blocks[-1]}}} before it')


def _python(moves: Sequence[Move]) -> Iterator[str]:
    depth = 0
    for index, move in enumerate(moves):
        match move:
            case Do(step):
                waits = "" if step.kind == "expect" else "await "
                yield f"{'    ' * depth}{waits}lab.{step!r}"
            case Begin(_, step):
                yield f"{'    ' * depth}async with lab.{step!r}:"
                depth += 1
                if index + 1 < len(moves) and isinstance(moves[index + 1], End):
                    yield f"{'    ' * depth}pass"
            case End(_):
                depth -= 1
