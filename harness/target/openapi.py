"""What an OpenAPI document says about the service: which requests it allows, and what their answers look like.

It reads operations, parameters in the path and in headers, statuses, media types, headers and schemas. It does not
judge a request that has no operation in the document.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

from harness.errors import UsageError
from harness.yaml_files import read_yaml

if TYPE_CHECKING:
    import jsonschema_rs

JSON: Final = "application/json"
NO_JSON: Final = "is no JSON"
Pointer = tuple[str | int, ...]
"""The way to a part of the document, as keys and places in lists."""


@dataclass(frozen=True, slots=True)
class DocumentedAnswer:
    """An answer, the names of its headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, eq=False)
class OpenApi:
    """One document. `name`: its file's name."""

    name: str
    contents: Mapping[str, Any]

    def not_allowed(self, method: str, path: str, headers: Mapping[str, str]) -> str:
        """Return what the document does not allow in this request; also empty if it has no such operation."""
        for template in self._operations(method, path):
            in_path = _pattern(template).fullmatch(path.partition("?")[0])
            values = dict[tuple[str, str], str]()
            if in_path:
                named = zip(_names(template), in_path.groups(), strict=True)
                values = {("path", name): unquote(text) for name, text in named}
            values |= {("header", name.lower()): text for name, text in headers.items()}  # in any case, to HTTP
            for at in self._parameters(method, template):
                parameter = self._part(at)
                name = parameter["name"]
                value = values.get((parameter["in"], name.lower() if parameter["in"] == "header" else name))
                wrong = "" if value is None else self._unlike(value, (*at, "schema"))
                if wrong:
                    return f"{name}: {wrong}"
        return ""

    def undocumented(self, method: str, path: str, answer: DocumentedAnswer) -> str:
        """Return what the document does not describe in this answer; also empty if it has no such operation."""
        for template in self._operations(method, path):
            where = f"{method} {template}, status {answer.status}"
            at: Pointer = ("paths", template, method.lower(), "responses")
            known = self._part(at)
            names = (str(answer.status), f"{answer.status // 100}XX", "default")
            status = next((name for name in names if name in known), None)
            if status is None:
                return where
            wrong = self._unlike_response(answer, _target(self, (*at, status)))
            return f"{where}: {wrong}" if wrong else ""
        return ""

    def has(self, method: str, path: str) -> bool:
        """Whether there is such an operation."""
        return any(True for _ in self._operations(method, path))

    def _unlike_response(self, answer: DocumentedAnswer, at: Pointer) -> str:
        response = self._part(at)
        content = response.get("content", {})
        kind = answer.headers.get("content-type", "").partition(";")[0].strip()
        if content and kind not in content:
            return kind or "no content type"
        for name in response.get("headers", {}):
            if self._part((*at, "headers", name)).get("required") and name.lower() not in answer.headers:
                return f"no header {name}"
        if kind != JSON or kind not in content:
            return ""
        try:
            body = json.loads(answer.body)
        except ValueError:
            return f"the body {NO_JSON}"
        wrong = self._unlike(body, (*at, "content", kind, "schema"))
        return f"the body: {wrong}" if wrong else ""

    def _operations(self, method: str, path: str) -> Iterator[str]:
        """The path's template, if the document has the operation."""
        plain = path.partition("?")[0]
        for template, item in self.contents["paths"].items():
            if method.lower() in item and _pattern(template).fullmatch(plain):
                yield template
                return

    def _parameters(self, method: str, template: str) -> Iterator[Pointer]:
        for above in (("paths", template), ("paths", template, method.lower())):
            count = len(self._part(above).get("parameters", ()))
            yield from (_target(self, (*above, "parameters", place)) for place in range(count))

    def _part(self, at: Pointer) -> Any:
        found: Any = self.contents
        for key in _target(self, at):
            found = found[key]
        return found

    def _unlike(self, value: Any, at: Pointer) -> str:
        """Say how the value differs from the schema; empty if it fits, or if there is no schema."""
        above = self._part(at[:-1])
        if at[-1] not in above:
            return ""
        problem = next(_validator(self, at).iter_errors(value), None)
        if problem is None:
            return ""
        where = ".".join(map(str, problem.instance_path))
        return f"{where}: {problem.message}" if where else problem.message


def openapi_of(path: Path) -> OpenApi:
    """Read a document, once for each version of it.

    Raises UsageError if there is no such file, or it is no OpenAPI document.
    """
    try:
        return _read_once(path, path.stat().st_mtime_ns)
    except (OSError, ValueError) as problem:
        raise UsageError.at("[contract]", "openapi", str(path), f"it cannot be read: {problem}") from problem


@functools.cache
def _read_once(path: Path, version: int) -> OpenApi:
    del version
    contents = _with_text_as_keys(read_yaml(path))
    if not isinstance(contents, dict) or not isinstance(contents.get("paths"), dict):
        raise UsageError.at("[contract]", "openapi", str(path), "it has no paths", mend="name an OpenAPI document")
    for reference in _references(contents):
        if not _leads_somewhere(contents, reference):
            problem = f"its $ref {reference!r} leads to no part of it"
            raise UsageError.at("[contract]", "openapi", str(path), problem, mend="put all parts into one file")
    of_old = str(contents.get("openapi", "")).startswith("3.0")
    return OpenApi(path.name, _with_null(contents) if of_old else contents)


@functools.cache
def _target(document: OpenApi, at: Pointer) -> Pointer:
    """The place of this part, after following a reference. Every answer asks for the same few places."""
    found: Any = document.contents
    for place, key in enumerate(at):
        found = found[key]
        if isinstance(found, Mapping) and isinstance(found.get("$ref"), str):
            return _target(document, (*_way(found["$ref"]), *at[place + 1 :]))
    return at


@functools.cache
def _validator(document: OpenApi, at: Pointer) -> jsonschema_rs.Draft202012Validator:
    import jsonschema_rs  # noqa: PLC0415 - most targets name no document

    pointer = "".join(f"/{quote(str(key).replace('~', '~0').replace('/', '~1'))}" for key in at)
    return jsonschema_rs.Draft202012Validator({**document.contents, "$ref": f"#{pointer}"}, mask="it")


def _with_text_as_keys(part: Any) -> Any:
    """YAML reads a status as a number, if it is not in quotes."""
    if isinstance(part, list):
        return [_with_text_as_keys(each) for each in part]
    if isinstance(part, dict):
        return {str(key): _with_text_as_keys(each) for key, each in part.items()}
    return part


def _references(part: Any) -> Iterator[str]:
    inner = part.values() if isinstance(part, Mapping) else part if isinstance(part, list) else ()
    if isinstance(part, Mapping) and isinstance(part.get("$ref"), str):
        yield part["$ref"]
    for each in inner:
        yield from _references(each)


def _leads_somewhere(contents: Any, reference: str) -> bool:
    if not reference.startswith("#/"):
        return False
    for key in _way(reference):
        if not isinstance(contents, Mapping) or key not in contents:
            return False
        contents = contents[key]
    return True


def _way(reference: str) -> tuple[str, ...]:
    """The keys of a reference's JSON pointer (RFC 6901)."""
    keys = unquote(reference.removeprefix("#/")).split("/")
    return tuple(key.replace("~1", "/").replace("~0", "~") for key in keys)


def _with_null(part: Any) -> Any:
    """OpenAPI 3.0 writes `nullable` for what a newer schema writes as one more type."""
    if isinstance(part, list):
        return [_with_null(each) for each in part]
    if not isinstance(part, Mapping):
        return part
    found = {key: _with_null(each) for key, each in part.items()}
    if found.get("nullable") is True and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    return found


@functools.cache
@functools.cache
def _pattern(template: str) -> re.Pattern[str]:
    """The expression for paths of this template. Parameters are groups, in order."""
    parts = re.split(r"(\{[^{}]+\})", template)
    return re.compile("".join("([^/]+)" if part.startswith("{") else re.escape(part) for part in parts))


def _names(template: str) -> Sequence[str]:
    return re.findall(r"\{([^{}]+)\}", template)


__all__ = ["DocumentedAnswer", "OpenApi", "openapi_of"]
