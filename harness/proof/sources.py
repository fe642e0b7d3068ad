"""A digest of each scenario's source: when it changes, the scenario must be proved again."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness.errors import HarnessError
from harness.scenario.scenario import Scenario

DIGEST_BYTES = 8
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def digests(scenarios: Sequence[Scenario], folder: Path) -> Mapping[str, str]:
    """By id: a digest of the scenario's function with its marks, of its file's other statements, and of its proofs.

    A scenario that has a `source` has the digest of that text and of its proofs. Formatting and comments do not change
    a digest, nor does the version of Python. `folder` is where the scenarios lie. Raises HarnessError for a scenario
    whose source is not found.
    """
    files: dict[Path, _File] = {}
    found: dict[str, str] = {}
    for scenario in scenarios:
        if scenario.source:
            # Its source is in the target's description; the place there does not matter.
            found[scenario.id] = _digest([scenario.id, scenario.source, *map(repr, scenario.proofs)])
            continue
        path, line = _place(scenario, folder)
        if path not in files:
            files[path] = _File(path)
        parts = [*files[path].parts_of(line, scenario), *map(repr, scenario.proofs), repr(scenario.needs)]
        found[scenario.id] = _digest(parts)
    return found


def _digest(parts: Sequence[str]) -> str:
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=DIGEST_BYTES).hexdigest()


def _place(scenario: Scenario, folder: Path) -> tuple[Path, int]:
    name, line = Path(scenario.location.file), scenario.location.line
    for path in (name, *sorted(folder.rglob(name.name))):
        if path.is_file() and line is not None:
            return path, line
    raise HarnessError(f"{scenario.location}: the source of {scenario.id} is not there", hint="was it moved just now?")


class _File:
    """A file of scenarios: its functions by the line on which they begin, and all the rest."""

    def __init__(self, path: Path) -> None:
        self._path = path
        tree = ast.parse(path.read_text("utf-8"))
        self._functions = {first_line(node): node for node in tree.body if isinstance(node, _Function)}
        self._others = [ast.unparse(node) for node in tree.body if not _is_test(node)]

    def parts_of(self, line: int, scenario: Scenario) -> Iterator[str]:
        """The texts on which one scenario depends."""
        if line not in self._functions:
            raise HarnessError(
                f"{self._path}:{line}: {scenario.id} does not begin here", hint="was it edited just now?"
            )
        yield ast.unparse(self._functions[line])
        yield from self._others


def _is_test(node: ast.stmt) -> bool:
    return isinstance(node, _Function) and node.name.startswith("test_")


def first_line(node: _Function) -> int:
    """The line of its first decorator, or of itself."""
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
