"""Finds the fault behind a line of a service's log, its link, and the scenarios that have it already."""

from __future__ import annotations

import ast
import errno
import inspect
import os
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from harness.faults import Fault, link, syscall, wire
from harness.faults.example import Example, Ground
from harness.protocols.contract.about import ABOUT
from harness.protocols.contract.search import SEARCHED
from harness.results.text import one_line
from harness.scenario.scenario import Scenario
from harness.standard.ground import ground_of, links_of
from harness.target import Target
from harness.vocabulary import ANY_OUTCOME, Link

CLOSED = re.compile(r"connection\b.*\b(closed|lost|reset|terminated)|closed the connection|broken pipe", re.IGNORECASE)
SILENT = re.compile(r"time(d |-)?out|deadline exceeded", re.IGNORECASE)
ERRNO = re.compile(r"\bErrno (\d+)\b|\bError (\d+) connecting\b")
CONNECT_ERRORS: tuple[str, ...] = get_args(syscall.Errno)


@dataclass(frozen=True, slots=True)
class Clue:
    """One line, and the fault behind it. `number`: the line's number, from 1.

    `covered_by`: ids of scenarios that know such a line, by their proof, or by the same fault in their function.

    `example`: None if only a scenario's proof knows it.
    """

    number: int
    line: str
    example: Example | None
    link: Link | None
    covered_by: tuple[str, ...]


def clues(lines: Sequence[str], target: Target, scenarios: Sequence[Scenario]) -> Sequence[Clue]:
    """Return a clue for each line that gives one; for several lines of one fault, only the first."""
    found: dict[object, Clue] = {}
    written = {each.id: _normal(each.function) for each in scenarios if each.function is not None}
    for number, line in enumerate(lines, 1):
        clue = _clue(number, line, target, scenarios, written)
        if clue is not None:
            found.setdefault(clue.covered_by if clue.example is None else clue.example.fault, clue)
    return list(found.values())


def _clue(
    number: int, line: str, target: Target, scenarios: Sequence[Scenario], written: Mapping[str, str]
) -> Clue | None:
    found = ((where, each) for where in _links(line, target) for each in _examples(line, ground_of(target, where)))
    where, example = next(found, (None, None))
    faults = [] if example is None else [repr(each) for each in _alike(example.fault, where)]
    covered = tuple(
        each.id
        for each in scenarios
        if any(_told(proof.match, line) for proof in each.proofs)
        or any(fault in written.get(each.id, "") for fault in faults)
    )
    return Clue(number, one_line(line), example, where, covered) if example is not None or covered else None


def _normal(function: Callable[..., object]) -> str:
    """The text of a function as `repr` writes faults: with its quotes, in one line for each statement."""
    return ast.unparse(ast.parse(textwrap.dedent(inspect.getsource(function))))


def _alike(fault: Fault, where: Link | None) -> Iterator[Fault]:
    """The fault, and other faults that look the same to the service: a server that is away refuses connects, too."""
    yield fault
    if where is not None and fault == syscall.connect(where, errno="ECONNREFUSED"):
        yield link.down(where)


def _told(match: str, line: str) -> bool:
    return bool(match) and re.search(match, line) is not None


def _links(line: str, target: Target) -> Sequence[Link]:
    """The links that a line names, by their own names or their servers'; all of them if it names none."""
    links, text = links_of(target), line.lower()
    return [each for each in links if any(name in text for name in _names(each))] or links


def _names(at: Link) -> tuple[str, ...]:
    return at.name.lower(), at.protocol, ABOUT.of(at.protocol).title.lower()


def _examples(line: str, ground: Ground) -> Iterator[Example]:
    """Possible causes of the line, the surest first.

    A server's error, the kernel's answer, a lost connection, silence.
    """
    fault = _server_error(line, ground)
    if fault is not None:
        yield Example(fault, expect=ANY_OUTCOME)
    name = _errno(line)
    if name in CONNECT_ERRORS:
        refused = syscall.connect(ground.link, errno=name)  # type: ignore[arg-type]  # one of them, as was asked
        yield Example(refused, beside=(link.cut(ground.link),), expect=ANY_OUTCOME)
    if CLOSED.search(line):
        yield Example(wire.cut(ground.answered), expect=ANY_OUTCOME)
    if SILENT.search(line):
        yield Example(link.swallow(ground.link), expect=ANY_OUTCOME)


def _server_error(line: str, ground: Ground) -> Fault | None:
    searched = SEARCHED.of(ground.link.protocol)
    for error in searched.errors:
        if re.search(rf"\b{re.escape(error.code)}\b", line) or (error.text and error.text in line):
            return wire.fail(ground.sent, code=error.code, fatal=error.fatal)
    for error in searched.refusals:
        if re.search(rf"\b{re.escape(error.code)}\b", line) or (error.text and error.text in line):
            return wire.fail(ground.link.sent(message=searched.opens), code=error.code, fatal=True)
    return None


def _errno(line: str) -> str:
    """The name of the error number that a line has, as a number, a name or the C library's text; empty for none."""
    found = ERRNO.search(line)
    if found is not None:
        return errno.errorcode.get(int(found[1] or found[2]), "")
    for name in CONNECT_ERRORS:
        text = os.strerror(getattr(errno, name)).lower()
        if re.search(rf"\b{name}\b", line) or text in line.lower():
            return name
    return ""
