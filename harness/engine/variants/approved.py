"""The committed file of approved answers, beside the target: equal answers are written once, with their variants."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from harness.documents import Table, check_document, check_schema, read_toml
from harness.engine.variants.answers import Answer
from harness.errors import UsageError
from harness.results.files import write_atomically
from harness.target import Target

FILE = "answers.toml"
SCHEMA = "harness.answers/1"
WRITE_IT = "write it with `python -m harness answers --update`, and review the difference"
HEAD = """\
# What the service answers to each variant of a request, and what it stores of it. What differs from run to run has a
# word in its place: {id}, {digest}, {base64}, {time}. Written by `python -m harness answers --update`; review what
# changes as you review code.
"""

Approved = Mapping[str, Answer]
"""The approved answer to each variant, by the variant's name."""


class _Group(Table):
    status: str
    headers: tuple[str, ...] = ()
    body: str = ""
    stored: str
    to: tuple[str, ...] = Field(min_length=1)


class _File(Table):
    schema_: Literal["harness.answers/1"] = Field(alias="schema")
    answers: tuple[_Group, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """How answers differ from the approved ones: variants by name."""

    new: tuple[str, ...]
    gone: tuple[str, ...]
    other: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether there is any difference."""
        return bool(self.new or self.gone or self.other)


def changes(approved: Approved, seen: Approved) -> Changes:
    """Compare answers with the approved ones."""
    return Changes(
        new=tuple(name for name in seen if name not in approved),
        gone=tuple(name for name in approved if name not in seen),
        other=tuple(name for name, answer in seen.items() if name in approved and approved[name] != answer),
    )


def file_of(target: Target) -> Path:
    """The file of a target's approved answers."""
    return target.path.parent / FILE


def approved_of(target: Target) -> Approved | None:
    """Read a target's approved answers; None if it has no such file. Raises UsageError."""
    path = file_of(target)
    return read_approved(path) if path.is_file() else None


def read_approved(path: Path) -> Approved:
    """Read a file of approved answers. Raises UsageError."""
    data = read_toml(path, mend=WRITE_IT)
    check_schema(data, place=str(path), schema=SCHEMA, mend=WRITE_IT)
    file = check_document(_File, data, place=str(path))
    found: dict[str, Answer] = {}
    for group in file.answers:
        for name in group.to:
            if name in found:
                raise UsageError.at(str(path), "to", name, "has two answers", mend=WRITE_IT)
            found[name] = Answer(group.status, group.headers, group.body, group.stored)
    return found


def text_of(answers: Approved) -> str:
    """Return the whole file. Groups are sorted by their first variant."""
    groups: dict[Answer, list[str]] = {}
    for name in sorted(answers):
        groups.setdefault(answers[name], []).append(name)
    return f'{HEAD}schema = "{SCHEMA}"\n' + "".join(_group(each, names) for each, names in groups.items())


def write_approved(answers: Approved, path: Path) -> None:
    """Write the file, in one step."""
    write_atomically(path, text_of(answers))


def _group(answer: Answer, names: list[str]) -> str:
    headers = f"headers = [{', '.join(map(_text, answer.headers))}]\n" if answer.headers else ""
    body = f"body = {_text(answer.body)}\n" if answer.body else ""
    to = "".join(f"  {_text(name)},\n" for name in names)
    stored = f"stored = {_text(answer.stored)}\n"
    return f"\n[[answers]]\nstatus = {_text(answer.status)}\n{headers}{body}{stored}to = [\n{to}]\n"


def _text(text: str) -> str:
    """A basic string of TOML."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
