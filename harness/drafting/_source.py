"""Writes the moves as a Python file in the style of the suite."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import harness
from harness.engine.steps import Heal, Inject
from harness.faults import Fault
from harness.scenario.schedule import Begin, Do, Move, Schedule

FILE = '''"""TODO: what goes wrong in this file, in a sentence."""

from harness import {words}


# TODO: what makes this scenario fail? These tell by which check, and by which words; write both into `proves`.
#     python -m harness run {name} --without {protection}
#     python -m harness ablate {name} --matrix
@proves("{protection}", fails="outcome", match="TODO")
async def test_{name}(lab: Lab) -> None:
    """TODO: what breaks, and what is true all the same."""
{body}
'''
ALWAYS_USED = {"Lab", "proves"}
_WORD = re.compile(r"[A-Za-z_]+")


def source_of(name: str, moves: Sequence[Move], protection: str) -> str:
    """Return the file's text: a scenario of this name, with a proof that is marked as unfinished."""
    body = "\n".join(f"    {line}" for line in _lines(name, moves))
    return FILE.format(name=name, protection=protection, body=body, words=_words(body))


def _lines(name: str, moves: Sequence[Move]) -> Iterable[str]:
    """The steps, and in front of them a variable for each fault that is spoken of again."""
    text = Schedule(id=name, profile="", without=(), seed=0, partial=False, moves=tuple(moves)).to_python()
    variables = []
    for fault in _healed_by_value(moves):
        word = fault.kind.rpartition(".")[2]
        variables.append(f"{word} = {fault!r}")
        text = text.replace(repr(fault), word)
    # `repr` uses single quotes, the suite double ones. Quoted text in an example contains neither.
    return [line.replace("'", '"') for line in (*variables, *text.splitlines())]


def _healed_by_value(moves: Sequence[Move]) -> Iterable[Fault]:
    steps = [move.step for move in moves if isinstance(move, Do | Begin)]
    healed = {fault for step in steps if isinstance(step, Heal) for fault in step.faults}
    return [fault for step in steps if isinstance(step, Inject) for fault in step.faults if fault in healed]


def _words(body: str) -> str:
    """What of the vocabulary the file uses, in the order that the linter wants: constants, classes, values."""
    used = ALWAYS_USED | (set(_WORD.findall(body)) & set(harness.__all__))
    return ", ".join(sorted(used, key=_place))


def _place(word: str) -> tuple[int, str]:
    return (0 if word.isupper() else 1 if word[0].isupper() else 2, word)
