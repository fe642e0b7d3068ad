"""The committed file beside the target that lists what a service may write: reads it and writes it."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import Field

from harness.documents import Table, check_document, check_schema, read_toml
from harness.errors import UsageError
from harness.history.events import FamilySaid
from harness.results.files import write_atomically
from harness.target import Target

FILE = "said.toml"
SCHEMA = "harness.said/1"
WRITE_IT = "write it with `python -m harness said --update RESULTS`, and review the difference"
HEAD = """\
# What the service says of itself: each form of line that its log may have, and its metrics. Learnt from runs by
# `python -m harness said --update RESULTS`, which adds what is new; review what changes as you review code. What is too
# rare to be seen in runs is written by hand, and stays.
"""
LINE_CHARACTERS = 110
Name = tuple[str, str, str]
"""The event, the level and the reason of a form of line."""


@dataclass(frozen=True, slots=True)
class ApprovedLine:
    """A form of line. `keys`: the kinds of its values, or the words (as JSON) that are allowed.

    `optional`: keys that may be missing. `answers`: outcomes that the client of its delivery may have got; empty if the
    line names no delivery. `again`: the same line may come more than once. `once`, `first`, `last`: see `LineSaid`.
    `anytime`: the line may come before a `first` one and after a `last` one. Only a person sets this.
    """

    keys: Mapping[str, frozenset[str]]
    optional: frozenset[str] = frozenset()
    answers: frozenset[str] = frozenset()
    again: bool = False
    once: bool = False
    first: bool = False
    last: bool = False
    anytime: bool = False


@dataclass(frozen=True, slots=True)
class Approved:
    """Everything that is approved."""

    lines: Mapping[Name, ApprovedLine] = field(default_factory=dict)
    families: Mapping[str, FamilySaid] = field(default_factory=dict)


class _Line(Table):
    event: str
    level: str = ""
    reasons: tuple[str, ...] = Field(default=("",), min_length=1)
    answers: tuple[str, ...] = ()
    keys: dict[str, str | tuple[bool | str, ...]] = Field(default={})
    optional: tuple[str, ...] = ()
    again: bool = False
    once: bool = False
    first: bool = False
    last: bool = False
    anytime: bool = False


class _Family(Table):
    name: str
    type: str = ""
    help: str = ""
    shows: tuple[str, ...] = ()
    later: tuple[str, ...] = ()


class _File(Table):
    schema_: Literal["harness.said/1"] = Field(alias="schema")
    line: tuple[_Line, ...] = ()
    metric: tuple[_Family, ...] = ()


def file_of(target: Target) -> Path:
    """The file of a target's approved lines and metrics."""
    return target.path.parent / FILE


def approved_of(target: Target) -> Approved | None:
    """Read what a target may say; None if it has no such file. Raises UsageError."""
    path = file_of(target)
    return _read_once(path, path.stat().st_mtime_ns) if path.is_file() else None


@functools.lru_cache(maxsize=2)
def _read_once(path: Path, _changed_ns: int) -> Approved:
    """Read the file once for all runs of a suite."""
    return read_approved(path)


def read_approved(path: Path) -> Approved:
    """Read the file. Raises UsageError."""
    data = read_toml(path, mend=WRITE_IT)
    check_schema(data, place=str(path), schema=SCHEMA, mend=WRITE_IT)
    file = check_document(_File, data, place=str(path))
    lines: dict[Name, ApprovedLine] = {}
    read = [((each.event, each.level, reason), each) for each in file.line for reason in each.reasons]
    for name, each in read:
        if name in lines:
            raise UsageError.at(str(path), "line", " ".join(name), "is there twice", mend="merge the two")
        lines[name] = _line_of(each)
    return Approved(lines, {each.name: FamilySaid(**each.model_dump()) for each in file.metric})


def _line_of(read: _Line) -> ApprovedLine:
    keys = {name: _values_of(values) for name, values in read.keys.items()}
    return ApprovedLine(
        keys,
        frozenset(read.optional),
        frozenset(read.answers),
        again=read.again,
        once=read.once,
        first=read.first,
        last=read.last,
        anytime=read.anytime,
    )


def _values_of(values: str | tuple[bool | str, ...]) -> frozenset[str]:
    if isinstance(values, str):
        return frozenset(values.split(" or "))
    return frozenset(json.dumps(value, ensure_ascii=False) for value in values)


def text_of(approved: Approved) -> str:
    """Return the whole file, in the order of events and levels. Reasons with the same form are in one entry."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for event, level, reason in sorted(approved.lines):
        told = _line_text(approved.lines[event, level, reason])
        groups.setdefault((event, level, told), []).append(reason)
    lines = "".join(_group_text(*group, reasons) for group, reasons in groups.items())
    families = "".join(_family_text(approved.families[name]) for name in sorted(approved.families))
    return f'{HEAD}schema = "{SCHEMA}"\n{lines}{families}'


def write_approved(approved: Approved, path: Path) -> None:
    """Write the file, in one step."""
    write_atomically(path, text_of(approved))


def _group_text(event: str, level: str, told: str, reasons: list[str]) -> str:
    head = f"event = {_text(event)}\n" + (f"level = {_text(level)}\n" if level else "")
    return f"\n[[line]]\n{head}" + (f"reasons = {_wrapped(reasons)}\n" if reasons != [""] else "") + told


def _line_text(line: ApprovedLine) -> str:
    parts: list[str] = []
    parts += [f"{key} = true\n" for key in ("again", "once", "first", "last", "anytime") if getattr(line, key)]
    parts += [f"{key} = {_list(map(_text, sorted(values)))}\n"
              for key, values in (("answers", line.answers), ("optional", line.optional)) if values]  # fmt: skip
    parts += [f"keys.{_bare(key)} = {_values_text(values)}\n" for key, values in line.keys.items()]
    return "".join(parts)


def _values_text(values: frozenset[str]) -> str:
    """Words are JSON, so they are TOML, too; kinds are written as one text."""
    words = sorted(each for each in values if is_word(each))
    return _list(words) if words else _text(" or ".join(sorted(values)))


def is_word(value: str) -> bool:
    """Whether a value of `keys` is a word in JSON, and not a kind."""
    return value.startswith('"') or value in ("true", "false")


def _family_text(family: FamilySaid) -> str:
    parts = [f"{key} = {_text(getattr(family, key))}\n" for key in ("name", "type", "help") if getattr(family, key)]
    parts += [
        f"{key} = {_wrapped(shown)}\n" for key, shown in (("shows", family.shows), ("later", family.later)) if shown
    ]
    return "\n[[metric]]\n" + "".join(parts)


def _wrapped(names: Iterable[str]) -> str:
    """A list of series. Their labels have quotation marks, so they are TOML literal strings."""
    texts = [f"'{each}'" if '"' in each and "'" not in each else _text(each) for each in names]
    return _list(texts) if sum(map(len, texts)) < LINE_CHARACTERS - 20 else f"[\n{_filled(texts)}\n]"


def _filled(texts: Iterable[str]) -> str:
    """As many per line as fit."""
    lines = [" "]
    for text in texts:
        if len(lines[-1]) + len(text) > LINE_CHARACTERS:
            lines.append(" ")
        lines[-1] += f" {text},"
    return "\n".join(lines)


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(texts)}]"


def _bare(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else _text(key)


def _text(text: str) -> str:
    """A basic string of TOML."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


__all__ = [
    "Approved",
    "ApprovedLine",
    "approved_of",
    "file_of",
    "is_word",
    "read_approved",
    "text_of",
    "write_approved",
]
