"""Makes the mutated copy of a service: the same files, with one place in one file changed."""

from __future__ import annotations

import ast
import difflib
import functools
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.errors import UsageError
from harness.proof.mutants import Mutant, MutantList

CACHES = shutil.ignore_patterns("__pycache__")
"""Not copied: a compiled file with the same second and source length would count as the mutated file's."""
NEAR = 0.3
"""The least similarity (0 to 1) of two lines to be offered as the old and the new form of one line."""


def place_all(listed: MutantList, directory: Path) -> Mapping[str, str]:
    """Return the changed text of each mutant's file, by the mutant's id. `directory`: the service's.

    Raises UsageError for an entry that does not fit the source, or fits it in several places.
    """
    for name in listed.copies:
        if not (directory / name).exists():
            near = sorted(path.name for path in directory.iterdir() if not path.name.startswith("."))
            raise UsageError.at(str(listed.path), "copies", name, f"is not in {directory}", valid=near)
    return {mutant.id: _placed(mutant, listed, directory) for mutant in listed.mutants}


def write_mutated(folder: Path, mutant: Mutant, text: str, listed: MutantList, directory: Path) -> None:
    """Copy the service into `folder`, which is made, with the mutant's file replaced by `text`."""
    write_copy(folder, listed, directory)
    (folder / mutant.file).write_text(text, "utf-8")


def write_copy(folder: Path, listed: MutantList, directory: Path) -> None:
    """Copy the service in `directory` into `folder`, which is made: only the files that the list names."""
    folder.mkdir(parents=True)
    for name in listed.copies:
        source = directory / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=CACHES)
        else:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, folder / name)


def _placed(mutant: Mutant, listed: MutantList, directory: Path) -> str:
    place, path = listed.place(mutant), directory / mutant.file
    if not any(path == directory / name or path.is_relative_to(directory / name) for name in listed.copies):
        raise UsageError.at(place, "file", mutant.file, "is not copied", mend=f"name it in copies of {listed.path}")
    try:
        source = path.read_text("utf-8")
    except FileNotFoundError:
        copied = (directory / name for name in listed.copies)
        near = sorted(found.relative_to(directory).as_posix() for each in copied for found in each.rglob("*.py"))
        mend = "" if near else "name a file of the service"
        raise UsageError.at(place, "file", mutant.file, "there is no such file", valid=near, mend=mend) from None
    begin, end = _span(source, mutant, place)
    part = source[begin:end]
    if (found := part.count(mutant.before)) != 1:
        raise _misplaced(mutant, place, part, found)
    text = source[:begin] + part.replace(mutant.before, mutant.after) + source[end:]
    _check_changed(source, text, mutant, place)
    return text


def _span(source: str, mutant: Mutant, place: str) -> tuple[int, int]:
    """Return begin and end of the function or class that the mutant names; the whole file if it names none."""
    if not mutant.where:
        return 0, len(source)
    found = _definitions_in(source)
    if mutant.where not in found:
        problem = f"{mutant.file} has no such function or class"
        raise UsageError.at(place, "where", mutant.where, problem, valid=found)
    node = found[mutant.where]
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    lines = source.splitlines(keepends=True)
    return len("".join(lines[: first - 1])), len("".join(lines[: node.end_lineno]))


Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@functools.cache
def _definitions_in(source: str) -> Mapping[str, Definition]:
    """Every function and class in the source, by its dotted name. Cached, because many mutants change one file."""
    return dict(_definitions(ast.parse(source), ""))


@functools.cache
def _meaning(source: str) -> str:
    """The source's syntax tree as text, which does not depend on the layout. Cached for the same reason."""
    return ast.dump(ast.parse(source))


def _definitions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Definition]]:
    """Every function and class below the node, by its dotted name."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition):
            yield f"{prefix}{child.name}", child
            yield from _definitions(child, f"{prefix}{child.name}.")
        else:
            yield from _definitions(child, prefix)


def _misplaced(mutant: Mutant, place: str, part: str, found: int) -> UsageError:
    where = f"{mutant.file}, {mutant.where}" if mutant.where else mutant.file
    if found:
        mend = "name the function in `where`, or write more of the lines around it"
        return UsageError.at(place, "before", mutant.before, f"stands {found} times in {where}", mend=mend)
    near = _closest_line(mutant.before, part)
    closest = f"; closest line: {near!r}" if near else ""
    mend = "write that line, if it is what was meant" if near else "write a line that is there"
    problem = f"is not in {where} any more{closest}"
    return UsageError.at(place, "before", mutant.before, problem, mend=f"{mend}; otherwise remove the mutant")


def _closest_line(fragment: str, part: str) -> str:
    """The line of `part` that is most similar to the fragment's first line that is missing there."""
    lines = [line.strip() for line in part.splitlines() if line.strip()]
    wanted = [line.strip() for line in fragment.splitlines() if line.strip()]
    missing = next((line for line in wanted if line not in lines), wanted[0])
    return next(iter(difflib.get_close_matches(missing, lines, n=1, cutoff=NEAR)), "")


def _check_changed(source: str, text: str, mutant: Mutant, place: str) -> None:
    """Refuse a change that makes invalid Python, or the same program. Files in other languages are not checked."""
    if not mutant.file.endswith(".py"):
        return
    try:
        changed = ast.dump(ast.parse(text))
    except SyntaxError as problem:
        found = f"{mutant.file} is no Python with it: {problem.msg} in line {problem.lineno}"
        raise UsageError.at(place, "after", mutant.after, found, mend="mend it") from problem
    if changed == _meaning(source):
        raise UsageError.at(place, "after", mutant.after, "changes nothing", mend="change something, or remove it")
