"""Finds a Go project's program name, and the document that a handler accepts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.drafting.project._body import Body, with_id

MODULE = re.compile(r"^module\s+(\S+)", re.MULTILINE)
VERSION = re.compile(r"/v\d+$")
DECODED = re.compile(r"(?:Unmarshal\([^,;\n]+,\s*|Decode\(|Bind(?:JSON)?\(|BodyParser\()&(\w+)\)")
"""The variable into which a document is read: encoding/json's, gin's, echo's, fiber's."""
STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}|^type (\w+) struct \{([^\n]*)\}", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^\s*\w+\s+(\S+)\s+`[^`\n]*json:\"(\w+)[^`\n]*`", re.MULTILINE)
TIME = "time.Time"


def program_of(folder: Path) -> str:
    """The name that `go build` gives to a module's program: the last word of the module's name."""
    named = MODULE.search((folder / "go.mod").read_text("utf-8", "replace"))
    return VERSION.sub("", named[1]).rpartition("/")[2] if named else folder.resolve().name


def body_in_go(text: str) -> Body | None:
    """Return a body of the first struct that the source reads a document into; None without one, or without a text."""
    structs = {match[1] or match[3]: match[2] or match[4] for match in STRUCT.finditer(text)}
    for variable in DECODED.findall(text):
        named = _type_of(variable, text)
        if named in structs:
            return with_id(dict(_fields(structs[named])))
    return None


def _type_of(variable: str, text: str) -> str:
    declared = re.search(rf"\bvar (?:\w+, )*{variable}\b(?:, \w+)* (\w+)|\b{variable} := (?:new\()?(\w+)[{{)]", text)
    return "" if declared is None else declared[1] or declared[2]


def _fields(struct: str) -> Iterator[tuple[str, object]]:
    for of, key in FIELD.findall(struct):
        value = _value(of)
        if value is not None:
            yield key, value


def _value(of: str) -> object:
    """A value of a Go type; None if none is known, and the zero value must do."""
    of = of.removeprefix("*")
    if of.startswith("[]"):
        return []
    if of.startswith("map["):
        return {}
    plain: Mapping[str, object] = {"string": "text", "bool": True, TIME: "2026-01-02T03:04:05Z"}
    return 1 if re.fullmatch(r"u?int\d*|float\d+", of) else plain.get(of)
