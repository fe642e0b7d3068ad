"""Reads the fields of a log's line: JSON, `key=value`, or the target's own expression."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.engine.workload.outgoing import name_of
from harness.target.sections.service_log import BlamesDescription, LineFields

PAIR = re.compile(r'(?P<key>[A-Za-z_][\w.-]*)=(?P<value>"(?:[^"\\]|\\.)*"|\S*)')
NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
DIGITS = re.compile(r"\d+")
WORD_CHARACTERS = 80
NO_FIELDS = "no fields"
"""The event of a line without fields."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line. `delivery`: the delivery's name in histories; empty if there is none.

    `rest`: fields that are not in its form.

    `plain`: the line without its free keys: two equal ones say the same thing twice.
    """

    text: str
    event: str
    level: str
    reason: str
    delivery: str
    fields: Mapping[str, Any]
    rest: Mapping[str, Any]
    plain: str

    @property
    def form(self) -> tuple[str, str, str]:
        """The common part of lines of one form."""
        return self.event, self.level, self.reason

    @property
    def name(self) -> str:
        """Its form, for readers."""
        return " ".join(filter(None, self.form))


def read_line(text: str, described: LineFields) -> LogLine:
    """Read one line. The event of a line without fields is its text without numbers."""
    fields = fields_of(text, described)
    if described.event not in fields:
        event = f"{NO_FIELDS}: {DIGITS.sub('{n}', text)[:WORD_CHARACTERS]}"
        return LogLine(text, event, "", "", "", fields, fields, text)

    def said(key: str | None) -> str:
        return "" if key is None or key not in fields else str(fields[key])

    named = said(described.id)
    owner = {"id": named, "source": said(described.source) or None}
    of_form = (described.event, described.level, described.reason)
    told = {key: value for key, value in fields.items() if key not in described.free}
    return LogLine(
        text=text,
        event=DIGITS.sub("{n}", said(described.event)),
        level=said(described.level),
        reason=said(described.reason),
        delivery=name_of(owner) if named else "",
        fields=fields,
        rest={key: value for key, value in fields.items() if key not in of_form},
        plain=json.dumps(told, default=str),
    )


def read_lines(texts: Sequence[str], described: LineFields) -> Sequence[LogLine]:
    """Read the lines, without blank ones."""
    return [read_line(text, described) for text in texts if text.strip()]


def fields_of(text: str, described: LineFields) -> Mapping[str, Any]:
    """Return the fields of a line; none if it has none."""
    if text.startswith("{"):
        try:
            data = json.loads(text)
        except ValueError:
            return {}
        return data if isinstance(data, dict) else {}
    if described.line is not None:
        found = re.search(described.line, text)
        return {} if found is None else {k: _number(v) for k, v in found.groupdict().items() if v is not None}
    return dict(_pairs(text)) if PAIR.match(text) else {}


def _pairs(text: str) -> Iterator[tuple[str, Any]]:
    for found in PAIR.finditer(text):
        value = found["value"]
        yield found["key"], value[1:-1].replace('\\"', '"') if value[:1] == '"' else _number(value)


def _number(text: str) -> Any:
    if not NUMBER.fullmatch(text):
        return text
    return float(text) if "." in text else int(text)


def kind_of(value: Any) -> str:
    """The kind of the value, in the words of the approved file."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "flag"
        case int() | float():
            return "number"
        case str():
            return "text"
        case list():
            return "list"
        case _:
            return "table"


def word_of(key: str, value: Any, described: LineFields) -> str | None:
    """The value as a word in JSON, if it can be one of a few; for a key with `kinds`, the text's kind."""
    if isinstance(value, bool):
        return json.dumps(value)
    if not isinstance(value, str):
        return None
    expression = described.kinds.get(key)
    if expression is not None:
        found = re.search(expression, value)
        return json.dumps("none of the kinds" if found is None else found["kind"], ensure_ascii=False)
    if key in (described.id, described.source, *described.free) or len(value) > WORD_CHARACTERS:
        return None
    return json.dumps(value, ensure_ascii=False)


def blames(line: LogLine, about: BlamesDescription) -> bool:
    """Whether the line says that a server has failed the service."""
    told = line.event in about.events and (not about.reasons or line.reason in about.reasons)
    return told and (about.but is None or re.search(about.but, line.text) is None)


__all__ = ["LogLine", "blames", "kind_of", "read_line", "read_lines", "word_of"]
