"""What an OpenAPI document says of the service: which requests it allows, and what their answers look like.

Only what decides about requests and answers is read: operations, patterns of parameters, statuses, media types,
headers, and of a schema types, keys, fixed values and patterns. What has no operation is not judged.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import yaml

from harness.errors import UsageError

TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}
JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class OpenApi:
    """One document. `name`: that of its file."""

    name: str
    contents: Mapping[str, Any]

    def not_allowed(self, method: str, path: str, headers: Mapping[str, str]) -> str:
        """Return what of this request the document does not allow; empty where it has no such operation, too."""
        for template, item, operation in self._operations(method, path):
            in_path = re.fullmatch(_pattern(template), path.partition("?")[0])
            values = {("path", name): unquote(text) for name, text in (in_path.groupdict() if in_path else {}).items()}
            values |= {("header", name.lower()): text for name, text in headers.items()}  # in any case, to HTTP
            for each in (*item.get("parameters", ()), *operation.get("parameters", ())):
                parameter = self._resolved(each)
                name = parameter["name"]
                value = values.get((parameter["in"], name.lower() if parameter["in"] == "header" else name))
                wrong = "" if value is None else next(self._unlike(value, parameter.get("schema", True)), "")
                if wrong:
                    return f"{name} {wrong}"
        return ""

    def undocumented(self, method: str, path: str, answer: DocumentedAnswer) -> str:
        """Return what of this answer the document does not say; empty where it has no such operation, too."""
        for template, _, operation in self._operations(method, path):
            where = f"{method} {template}, status {answer.status}"
            known = {str(status): response for status, response in operation["responses"].items()}
            names = (str(answer.status), f"{answer.status // 100}XX", "default")
            response = next((self._resolved(known[name]) for name in names if name in known), None)
            if response is None:
                return where
            content = response.get("content", {})
            kind = answer.headers.get("content-type", "").partition(";")[0].strip()
            if content and kind not in content:
                return f"{where}: {kind or 'no content type'}"
            for name, header in response.get("headers", {}).items():
                if self._resolved(header).get("required") and name.lower() not in answer.headers:
                    return f"{where}: no header {name}"
            if kind == JSON and kind in content:
                wrong = next(self._unlike(_read(answer.body), content[kind].get("schema", True)), "")
                return f"{where}: the body {wrong}" if wrong else ""
        return ""

    def has(self, method: str, path: str) -> bool:
        """Whether there is such an operation."""
        return any(True for _ in self._operations(method, path))

    def _operations(self, method: str, path: str) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
        """The path's template, its item and the operation: one at most."""
        plain = path.partition("?")[0]
        for template, item in self.contents["paths"].items():
            if method.lower() in item and re.fullmatch(_pattern(template), plain):
                yield template, item, item[method.lower()]
                return

    def _resolved(self, value: Any) -> Any:
        """What a reference stands for; anything else as it is."""
        while isinstance(value, Mapping) and "$ref" in value:
            found: Any = self.contents
            for name in str(value["$ref"]).removeprefix("#/").split("/"):
                found = found[name]
            value = found
        return value

    def _unlike(self, value: Any, schema: Any) -> Iterator[str]:
        """Say in which ways the value is not as the schema has it."""
        schema = self._resolved(schema)
        if not isinstance(schema, Mapping):
            return
        for part in schema.get("allOf", ()):
            yield from self._unlike(value, part)
        if "type" in schema and not _is_of(value, schema["type"]):
            yield f"is no {schema['type']}"
            return
        if "const" in schema and value != schema["const"]:
            yield f"is not {schema['const']!r}"
        if "enum" in schema and value not in schema["enum"]:
            yield f"is none of {', '.join(map(str, schema['enum']))}"
        if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
            yield f"does not match {schema['pattern']}"
        if isinstance(value, dict):
            yield from self._keys_unlike(value, schema)

    def _keys_unlike(self, value: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
        yield from (f"has no {key}" for key in schema.get("required", ()) if key not in value)
        known = schema.get("properties", {})
        if schema.get("additionalProperties") is False:
            yield from (f"has {key}, which is not documented" for key in value if key not in known)
        for key, each in known.items():
            if key in value:
                yield from (f"has {key}, which {wrong}" for wrong in self._unlike(value[key], each))


@dataclass(frozen=True, slots=True)
class DocumentedAnswer:
    """An answer, the names of its headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def openapi_of(path: Path) -> OpenApi:
    """Read a document, once for each of its versions. Raises UsageError if the file is not there, or is none."""
    try:
        return _read_once(path, path.stat().st_mtime_ns)
    except (OSError, ValueError, yaml.YAMLError) as problem:
        raise UsageError.at("[contract]", "openapi", str(path), f"it cannot be read: {problem}") from problem


@functools.cache
def _read_once(path: Path, version: int) -> OpenApi:
    del version
    contents = yaml.safe_load(path.read_text("utf-8"))
    if not isinstance(contents, dict) or not isinstance(contents.get("paths"), dict):
        raise UsageError.at("[contract]", "openapi", str(path), "it has no paths", mend="name an OpenAPI document")
    return OpenApi(path.name, contents)


@functools.cache
def _pattern(template: str) -> str:
    return "".join(
        f"(?P<{part[1:-1]}>[^/]+)" if part.startswith("{") else re.escape(part)
        for part in re.split(r"(\{\w+\})", template)
    )


def _is_of(value: Any, name: str) -> bool:
    is_flag = isinstance(value, bool)
    return is_flag if name == "boolean" else not is_flag and isinstance(value, TYPES.get(name, object))


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


__all__ = ["DocumentedAnswer", "OpenApi", "openapi_of"]
