"""Small changes of a program's text: a statement deleted, a condition that always or never holds."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

Kind = Literal["deleted", "always", "never"]
DELETED = (ast.Raise, ast.AugAssign, ast.Delete, ast.Continue, ast.Break)
"""Statements without which a program can still run. Without a plain assignment it ends at once: everybody notices."""

Lines = range
RunBy = Callable[[Lines], AbstractSet[str]]
"""Returns which scenarios ran any of these lines."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one statement. `scenarios`: those that ran it, or what the condition decides about."""

    kind: Kind
    begin: int
    """The place in the text of the statement, or of its condition, in bytes."""
    end: int
    line: int
    shown: str
    scenarios: frozenset[str]

    def applied(self, text: str) -> str:
        """Return the changed text. Lines before the change keep their numbers."""
        old = text.encode()
        before, changed, after = old[: self.begin], old[self.begin : self.end].decode(), old[self.end :]
        word = {"deleted": "pass", "always": f"(True or ({changed}))", "never": f"(False and ({changed}))"}[self.kind]
        return f"{before.decode()}{word}{after.decode()}"


def changes_of(text: str, run_by: RunBy, *, most: int) -> Iterator[Change]:
    """Yield the changes of statements, inside functions, that one to `most` scenarios ran, in their order."""
    starts = [0]
    for each in text.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(each))
    lines = text.splitlines()

    def change(kind: Kind, node: ast.stmt | ast.expr, ran: AbstractSet[str]) -> Iterator[Change]:
        if 0 < len(ran) <= most and node.end_lineno is not None and node.end_col_offset is not None:
            begin, end = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
            yield Change(kind, begin, end, node.lineno, lines[node.lineno - 1].strip(), frozenset(ran))

    for node in _inside_functions(ast.parse(text)):
        if isinstance(node, ast.If):
            yield from change("always", node.test, run_by(range(node.lineno, node.lineno + 1)))
            yield from change("never", node.test, run_by(_of(node.body[0], node.body[-1])))
        elif _can_be_left_out(node):
            yield from change("deleted", node, run_by(_of(node, node)))


def _inside_functions(tree: ast.Module) -> Iterator[ast.stmt]:
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    found = {id(node): node for each in functions for node in ast.walk(each) if isinstance(node, ast.stmt)}
    yield from sorted(found.values(), key=lambda node: (node.lineno, node.col_offset))


def _can_be_left_out(node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr):
        return not isinstance(node.value, ast.Constant)  # a docstring
    if isinstance(node, ast.Assign):
        return all(isinstance(target, (ast.Attribute, ast.Subscript)) for target in node.targets)
    return isinstance(node, DELETED) or (isinstance(node, ast.Return) and node.value is None)


def _of(first: ast.stmt, last: ast.stmt) -> Lines:
    return range(first.lineno, (last.end_lineno or last.lineno) + 1)
