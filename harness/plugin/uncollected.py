"""Finds functions that look like scenarios but are not collected, and reports each, so that none is missed."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.plugin.fixture import LAB

Function = ast.FunctionDef | ast.AsyncFunctionDef
PREFIX = "test_"
MARK = "proves"


@dataclass(frozen=True, slots=True)
class Written:
    """A function in a file that looks like a scenario. `scope`: its class, or empty."""

    name: str
    scope: str
    line: int
    """The line of its `def`."""
    first_line: int
    """The line of its first decorator, if it has one: Python reports that as the function's first line."""
    takes: tuple[str, ...]
    proves: bool


def shadowed(file: Path, shown: str) -> Iterator[tuple[Written, UsageError]]:
    """Yield each function that a later one of the same name replaces (Python keeps the last), and what is wrong."""
    written = _written(file)
    for place, each in enumerate(written):
        last = next((other for other in reversed(written[place + 1 :]) if _is_same(each, other)), None)
        if last is not None:
            problem = f"is defined again at line {last.line}: only that one would run"
            yield each, UsageError.at(f"{shown}:{each.line}", "name", each.name, problem, mend="rename one of them")


def uncollected(file: Path, shown: str, collected: Collection[int]) -> Iterator[UsageError]:
    """Yield an error for each function that looks like a scenario and is not one.

    `collected`: lines where scenarios begin.
    """
    replaced = list(shadowed(file, shown))
    yield from (problem for _, problem in replaced)
    told = [each for each, _ in replaced]
    for each in _written(file):
        if each.first_line not in collected and each not in told:
            yield _why(each, f"{shown}:{each.line}")


def _why(each: Written, place: str) -> UsageError:
    if LAB not in each.takes:
        takes = ", ".join(each.takes) or "nothing"
        return UsageError.at(
            place, "name", each.name, f"takes {takes}, and no {LAB}: it is not a scenario, and would never run",
            mend=f"write async def {each.name}({LAB}: Lab), or rename a helper",
        )  # fmt: skip
    if not each.name.startswith(PREFIX):
        return UsageError.at(place, "name", each.name, "has a proof, and is not collected: it would never run",
                             mend=f"write async def {PREFIX}{each.name}({LAB}: Lab)")  # fmt: skip
    return UsageError.at(
        place, "name", each.name, "pytest does not collect it: it would never run",
        mend=f"define it in the file itself, or in a class whose name begins with Test, and leave {each.name} its name",
    )  # fmt: skip


def _is_same(one: Written, other: Written) -> bool:
    return (one.scope, one.name) == (other.scope, other.name)


def _written(file: Path) -> Sequence[Written]:
    tree = ast.parse(file.read_bytes(), str(file))
    return [_read(function, scope) for function, scope in _functions(tree, "") if _looks_like_one(function)]


def _functions(node: ast.AST, scope: str) -> Iterator[tuple[Function, str]]:
    """Yield all functions, except those inside functions, which are helpers."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield child, scope
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{scope}{child.name}.")
        else:
            yield from _functions(child, scope)


def _looks_like_one(function: Function) -> bool:
    return function.name.startswith(PREFIX) or _proves(function)


def _proves(function: Function) -> bool:
    names = (_name_of(each) for each in function.decorator_list)
    return any(name.rpartition(".")[2] == MARK for name in names)


def _name_of(decorator: ast.expr) -> str:
    return ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator)


def _read(function: Function, scope: str) -> Written:
    lines = [function.lineno, *(each.lineno for each in function.decorator_list)]
    given = function.args
    takes = tuple(each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs) if each.arg != "self")
    return Written(function.name, scope, function.lineno, min(lines), takes, _proves(function))


__all__ = ["shadowed", "uncollected"]
