"""An OpenAPI document says which requests a service allows, and what its answers look like."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.target.openapi import DocumentedAnswer, OpenApi, openapi_of

DOCUMENT = """
paths:
  /hooks/{id}:
    parameters:
      - $ref: "#/components/parameters/id"
    post:
      parameters:
        - {name: X-Kind, in: header, schema: {enum: [a, b]}}
      responses:
        "200":
          headers: {Retry-After: {required: true}, X-More: {}}
          content:
            application/json:
              schema:
                allOf:
                  - $ref: "#/components/schemas/stored"
                  - properties: {state: {const: stored}}
        404: {}
        5XX: {}
components:
  parameters:
    id: {name: id, in: path, schema: {type: string, pattern: "^[a-z]+$"}}
  schemas:
    stored:
      type: object
      required: [state]
      properties: {state: {type: string}, size: {type: integer}, more: {enum: [x]}}
      additionalProperties: false
"""


@pytest.fixture
def document(tmp_path: Path) -> OpenApi:
    (tmp_path / "openapi.yaml").write_text(DOCUMENT)
    return openapi_of(tmp_path / "openapi.yaml")


def answer(body: Any, *, status: int = 200, kind: str = "application/json; charset=utf-8") -> DocumentedAnswer:
    return DocumentedAnswer(status, {"content-type": kind, "retry-after": "1"}, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (answer({"state": "stored", "size": 3, "more": "x"}), ""),
        (answer("whatever", status=404), ""),
        (answer("whatever", status=503), ""),
        (answer({"state": "stored"}, status=418), "418"),
        (answer({"state": "stored"}, kind="text/plain"), "200: text/plain"),
        (answer({"state": "lost"}), '200: the body: state: "stored" was expected'),
        (answer({"size": 3}), '200: the body: "state" is a required property'),
        (
            answer({"state": "stored", "size": True}),
            '200: the body: size: it is not of type "integer"',
        ),
        (
            answer({"state": "stored", "more": "y"}),
            '200: the body: more: it is not one of "x"',
        ),
        (
            answer({"state": "stored", "new": 1}),
            "200: the body: Additional properties are not allowed ('new' was unexpected)",
        ),
        (answer(["stored"]), '200: the body: it is not of type "object"'),
    ],
)
def test_an_answer_is_as_its_operation_has_it(document: OpenApi, given: DocumentedAnswer, says: str) -> None:
    assert document.undocumented("POST", "/hooks/abc", given) == (says and f"POST /hooks/{{id}}, status {says}")


def test_a_header_that_is_documented_is_there(document: OpenApi) -> None:
    given = DocumentedAnswer(200, {"content-type": "application/json"}, b'{"state": "stored"}')
    assert document.undocumented("POST", "/hooks/abc", given) == "POST /hooks/{id}, status 200: no header Retry-After"


def test_a_body_that_is_no_json_is_told(document: OpenApi) -> None:
    given = DocumentedAnswer(200, answer({}).headers, b"{")
    assert document.undocumented("POST", "/hooks/abc", given) == "POST /hooks/{id}, status 200: the body is no JSON"


@pytest.mark.parametrize(("method", "path"), [("GET", "/hooks/abc"), ("POST", "/hooks"), ("POST", "/hooks/a/b")])
def test_what_has_no_operation_is_not_judged(document: OpenApi, method: str, path: str) -> None:
    assert document.undocumented(method, path, answer({}, status=418)) == ""
    assert not document.has(method, path)


@pytest.mark.parametrize(
    ("path", "headers", "says"),
    [
        ("/hooks/abc", {"x-kind": "a"}, ""),
        ("/hooks/abc", {}, ""),
        ("/hooks/a%2ec?more=1", {}, 'id: it does not match "^[a-z]+$"'),
        ("/hooks/abc", {"x-kind": "c"}, 'X-Kind: it is not one of "a" or "b"'),
    ],
)
def test_a_request_is_allowed_by_its_parameters(
    document: OpenApi, path: str, headers: dict[str, str], says: str
) -> None:
    assert document.not_allowed("POST", path, headers) == says


@pytest.mark.parametrize("text", [": no", "[]", "paths: []", None])
def test_a_file_that_is_no_document_is_refused(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "openapi.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=r"openapi.yaml"):
        openapi_of(path)


def written(folder: Path, text: str) -> OpenApi:
    (folder / "openapi.yaml").write_text(text)
    return openapi_of(folder / "openapi.yaml")


SHOWN = """
openapi: {version}
paths:
  /orders/{{order-id}}:
    get:
      parameters: [{{name: order-id, in: path, schema: {{maxLength: 3}}}}]
      responses: {{200: {{$ref: "#/paths/~1orders~1%7Bkind%7D/responses/shown"}}}}
  /orders/{{kind}}:
    responses:
      shown: {{content: {{application/json: {{schema: {{properties: {{note: {note}}}}}}}}}}}
"""


@pytest.mark.parametrize(
    ("version", "note"),
    [
        ("3.0.3", "{type: string, nullable: true}"),
        ("3.1.0", "{type: [string, 'null']}"),
        ("3.1.0", "{anyOf: [{type: string}, {type: 'null'}]}"),
    ],
)
def test_what_may_be_null_is_said_in_either_way(tmp_path: Path, version: str, note: str) -> None:
    found = written(tmp_path, SHOWN.format(version=version, note=note))
    assert found.undocumented("GET", "/orders/abc", answer({"note": None})) == ""
    assert "note: " in found.undocumented("GET", "/orders/abc", answer({"note": 1}))


def test_a_parameter_has_whatever_name_the_document_gives_it(tmp_path: Path) -> None:
    found = written(tmp_path, SHOWN.format(version="3.1.0", note="true"))
    assert found.not_allowed("GET", "/orders/abc", {}) == ""
    assert found.not_allowed("GET", "/orders/abcd", {}).startswith("order-id: ")


@pytest.mark.parametrize("reference", ["more.yaml#/shown", "#/components/shown"])
def test_a_document_in_several_files_is_refused(tmp_path: Path, reference: str) -> None:
    text = f"paths: {{/a: {{get: {{responses: {{200: {{$ref: '{reference}'}}}}}}}}}}"
    with pytest.raises(UsageError, match="leads to no part of it"):
        written(tmp_path, text)
