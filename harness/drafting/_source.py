"""Writes the moves as a Python file in the style of the suite."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable, Iterator, Sequence

import harness
from harness.engine.steps import Heal, Inject
from harness.faults import Fault
from harness.scenario.schedule import Begin, Do, Move, Schedule

FILE = '''"""TODO: what goes wrong in this file, in a sentence."""

from harness import {words}


{proof}async def test_{name}(lab: Lab) -> None:
    """TODO: what breaks, and what is true all the same."""
{body}
'''
PROOF = """\
# TODO: what makes this scenario fail? These commands show which check fails, and its words; write both into `proves`.
#     python -m harness run {name} --without {protection}
#     python -m harness ablate {name} --matrix
@proves("{protection}", fails="outcome", match="TODO")
"""
LONGEST = 120
"""Characters of a line."""
LONG_TEXT = 50
"""A text of more characters becomes a constant: the lines that use it stay short."""
PIECE = 90


def source_of(name: str, moves: Sequence[Move], protection: str | None) -> str:
    """Return the file's text: a scenario of this name, with a proof that is marked as unfinished.

    `protection`: None for a target that has none, so that there is nothing to prove.
    """
    body = "\n".join(body_of(name, moves))
    proof = "" if protection is None else PROOF.format(name=name, protection=protection)
    words = ", ".join(words_in(body, ["Lab", *(["proves"] if proof else [])]))
    return FILE.format(name=name, proof=proof, body=body, words=words)


def body_of(name: str, moves: Sequence[Move], constants: dict[str, str] | None = None) -> Sequence[str]:
    """The lines of a scenario's function, with a variable for each fault that is used again.

    `constants`: names of long texts, by text. Further ones get a name there.
    """
    text = Schedule(id=name, profile="", without=(), seed=0, partial=False, moves=tuple(moves)).to_python()
    variables = []
    for fault in _healed_by_value(moves):
        word = fault.kind.rpartition(".")[2]
        variables.append(f"{word} = {fault!r}")
        text = text.replace(repr(fault), word)
    lines = _in_double_quotes("\n".join([*variables, *text.splitlines()]), constants).splitlines()
    return [short for line in lines for short in _wrapped(f"    {line}")]


def words_in(body: str, more: Iterable[str]) -> Sequence[str]:
    """The vocabulary that a text uses, in the linter's order: constants, classes, values."""
    names = {token.string for token in _tokens(body) if token.type == tokenize.NAME}
    return sorted({*more, *(names & set(harness.__all__))}, key=_place)


def _healed_by_value(moves: Sequence[Move]) -> Iterable[Fault]:
    steps = [move.step for move in moves if isinstance(move, Do | Begin)]
    healed = {fault for step in steps if isinstance(step, Heal) for fault in step.faults}
    return [fault for step in steps if isinstance(step, Inject) for fault in step.faults if fault in healed]


def constant_lines(name: str, text: str) -> Iterator[str]:
    """A long text under a name, in pieces that fit into a line."""
    pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
    if len(pieces) == 1:
        yield f"{name} = {_quoted(text)}"
        return
    yield f"{name} = ("
    yield from (f"    {_quoted(piece)}" for piece in pieces)
    yield ")"


def _quoted(text: str) -> str:
    plain = repr(text)
    return '"' + plain[1:-1].replace(r"\'", "'") + '"' if plain.startswith("'") and '"' not in text else plain


def _in_double_quotes(text: str, constants: dict[str, str] | None) -> str:
    """`repr` uses single quotes, the suite double ones, unless they would have to be escaped. Long ones get names."""
    lines = text.splitlines()
    for token in reversed([token for token in _tokens(text) if token.type == tokenize.STRING]):
        (row, begin), (_, end) = token.start, token.end
        said = ast.literal_eval(token.string)
        shown = _quoted(said)
        if constants is not None and len(shown) > LONG_TEXT:
            shown = constants.setdefault(said, f"STATEMENT_{len(constants) + 1}")
        lines[row - 1] = f"{lines[row - 1][:begin]}{shown}{lines[row - 1][end:]}"
    return "\n".join(lines)


def _tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    return tokenize.generate_tokens(io.StringIO(text).readline)


def _wrapped(line: str) -> Iterator[str]:
    """Break a long line within the brackets of its call, as the formatter does: one line for all, or one for each."""
    begin, end = line.find("("), line.rfind(")")
    if len(line) <= LONGEST or begin < 0:
        yield line
        return
    indent = " " * (len(line) - len(line.lstrip()))
    inner = f"{indent}    {line[begin + 1 : end]}"
    yield line[: begin + 1]
    if len(inner) <= LONGEST:
        yield inner
    else:
        yield from (f"{indent}    {argument}," for argument in _arguments(line[begin + 1 : end]))
    yield f"{indent}{line[end:]}"


def _arguments(text: str) -> Iterator[str]:
    """The arguments of a call, as they are written between its brackets."""
    depth, begin = 0, 0
    for token in _tokens(text):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token.string, 0)
        if token.string == "," and depth == 0:
            yield text[begin : token.start[1]].strip()
            begin = token.end[1]
    if text[begin:].strip():
        yield text[begin:].strip()


def _place(word: str) -> tuple[int, str]:
    return (0 if word.isupper() else 1 if word[0].isupper() else 2, word)
