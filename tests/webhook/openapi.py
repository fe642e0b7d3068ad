"""webhook/openapi.yaml, as the tests read it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

PATH = Path(__file__).resolve().parents[2] / "webhook" / "openapi.yaml"
OF_THE_ROUTER = {404: "not_found", 405: "method_not_allowed"}
"""Answered where no operation is, so that no operation has them."""


@cache
def document() -> Mapping[str, Any]:
    contents: Mapping[str, Any] = YAML(typ="safe").load(PATH)
    return contents


def resolved(value: Any) -> Any:
    """What a reference stands for; anything else as it is."""
    while isinstance(value, Mapping) and "$ref" in value:
        found: Any = document()
        for name in value["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        value = found
    return value


def operations() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Method, path and operation of each."""
    for path, item in document()["paths"].items():
        yield from ((method, path, item[method]) for method in item if method != "parameters")


def answers(operation: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Status and response of each documented answer."""
    for status, response in operation["responses"].items():
        yield int(status), resolved(response)


def error_words(response: Mapping[str, Any]) -> set[str]:
    """The values of `error` that the response may have; none where it has no `error`."""
    for part in response["content"].get("application/json", {}).get("schema", {}).get("allOf", []):
        error = resolved(part).get("properties", {}).get("error", {})
        if "const" in error or "enum" in error:
            return {error["const"]} if "const" in error else set(error["enum"])
    return set()


def check(response: httpx.Response) -> None:
    """Fail if the answer is not what the file says of it; 500 is of a service whose `errors.refuse` is off."""
    if response.status_code == 500:
        return
    documented = _documented(response.request.method, response.request.url.raw_path.decode(), response.status_code)
    if documented is None:
        assert response.json()["error"] == OF_THE_ROUTER.get(response.status_code), response.text
        return
    kind = response.headers["content-type"].partition(";")[0]
    assert kind in documented["content"], f"{kind} is not documented for {response!r}"
    if kind == "application/json":
        # The references in a schema are into the whole document.
        schema = {**document(), **documented["content"][kind]["schema"]}
        Draft202012Validator(schema).validate(response.json())
    missing = {name for name in documented.get("headers", {}) if name not in response.headers}
    assert not missing, f"{response!r} lacks {missing}"


def _documented(method: str, path: str, status: int) -> Mapping[str, Any] | None:
    for known, template, operation in operations():
        pattern = re.sub(r"\{\w+\}", "[^/]+", template)
        if known == method.lower() and re.fullmatch(pattern, path.partition("?")[0]):
            return dict(answers(operation)).get(status)
    return None
