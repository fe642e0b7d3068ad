"""A sequence of steps that can be printed, kept in a file, and performed again.

A file is JSON, `"schema": "harness.schedule/1"`. Each entry does one thing: `do` a step to its
end, `begin` one that goes on, `end` one that was begun.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.scenario.steps import Step
from harness.vocabulary import Json, from_json, to_json

SCHEMA = "harness.schedule/1"
MOVES = 'write {"do": STEP}, {"begin": STEP, "number": N} or {"end": N}'
KEYS = ("schema", "id", "profile", "without", "seed", "partial", "steps")


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

    `partial`: the scenario's Python looked at an answer, so that these steps alone may not be the
    whole of what it does; it is repeated by its id and seed.
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
        """The schedule as the body of a scenario."""
        return "\n".join(_python(self.moves)) + "\n"

    def write(self, path: Path) -> None:
        """Write the file, one step a line."""
        data = self.to_json()
        if not isinstance(data, dict) or not isinstance(data["steps"], list):
            raise TypeError("a schedule is an object with steps")
        head = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in data.items() if key != "steps"]
        steps = ",\n".join(f"    {json.dumps(step)}" for step in data["steps"])
        path.write_text("{\n" + ",\n".join([*head, f'  "steps": [\n{steps}\n  ]']) + "\n}\n", "utf-8")


def read_schedule(path: Path) -> Schedule:
    """Read a schedule file. Raises UsageError that names place, key, value, closest valid one and mend."""
    data = _object(path)
    unknown = [key for key in data if key not in KEYS]
    if unknown:
        raise UsageError.at(str(path), unknown[0], data[unknown[0]], "there is no such key", valid=KEYS)
    if data.get("schema") != SCHEMA:
        raise UsageError.at(str(path), "schema", data.get("schema"), "not a schedule of this version", valid=[SCHEMA])
    moves = tuple(_moves(_field(data, "steps", list, path), str(path)))
    _check_blocks(moves, str(path))
    return Schedule(
        id=_field(data, "id", str, path),
        profile=_field(data, "profile", str, path),
        without=tuple(_field(data, "without", list, path)),
        seed=_field(data, "seed", int, path),
        partial=_field(data, "partial", bool, path),
        moves=moves,
    )


def _object(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(f"{path}: cannot be read: {problem}", hint="name a schedule file") from problem
    except json.JSONDecodeError as problem:
        raise UsageError(f"{path}: not JSON: {problem}", hint="mend the line that it names") from problem
    if not isinstance(data, dict):
        raise UsageError(f"{path}: not an object", hint=f'begin with {{"schema": "{SCHEMA}"')
    return data


def _field(data: dict[str, Any], key: str, kind: type, path: Path) -> Any:
    if not isinstance(data.get(key), kind):
        raise UsageError.at(str(path), key, data.get(key), f"needs a {kind.__name__}", mend=f"add {key!r}")
    return data[key]


def _move_to_json(move: Move) -> Json:
    match move:
        case Do(step):
            return {"do": to_json(step)}
        case Begin(number, step):
            return {"begin": to_json(step), "number": number}
        case End(number):
            return {"end": number}


def _moves(steps: list[Json], path: str) -> Iterator[Move]:
    for index, data in enumerate(steps):
        place = f"{path}: steps[{index}]"
        match data:
            case {"do": step, **rest} if not rest:
                yield Do(from_json(step, Step, place=place))
            case {"begin": step, "number": int(number), **rest} if not rest:
                yield Begin(number, from_json(step, Step, place=place))
            case {"end": int(number), **rest} if not rest:
                yield End(number)
            case _:
                raise UsageError.at(place, "step", data, "not a move", mend=MOVES)


def _check_blocks(moves: Sequence[Move], path: str) -> None:
    open_blocks: list[int] = []
    for index, move in enumerate(moves):
        if isinstance(move, Begin):
            open_blocks.append(move.number)
        elif isinstance(move, End):
            if move.number not in open_blocks:
                known = [str(number) for number in open_blocks]
                raise UsageError.at(f"{path}: steps[{index}]", "end", str(move.number), "not begun", valid=known)
            open_blocks.remove(move.number)
    if open_blocks:
        raise UsageError.at(path, "begin", open_blocks[0], "is never ended", mend=f'add {{"end": {open_blocks[0]}}}')


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
