"""openapi.yaml says what the code does, in both directions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import httpx
import jsonschema
import pytest
from starlette.routing import Route

from tests.webhook import openapi
from tests.webhook.support import ROOT
from webhook.api.application import make_application
from webhook.api.inspection import DELIVERY_ID, TIMESTAMP
from webhook.api.probes import Probes
from webhook.api.reception import Reception
from webhook.configuration.settings import Settings
from webhook.delivery import SOURCE

README = (ROOT / "webhook" / "README.md").read_text("utf-8")
ANSWERING = {"RejectedError", "failure", "_refuse"}
"""What the code calls with a status and a word."""


def words_of_the_code() -> Iterator[tuple[int, str]]:
    for path in (ROOT / "webhook").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in ANSWERING and len(node.args) >= 2:
                status, word = (one.value if isinstance(one, ast.Constant) else None for one in node.args[:2])
                if isinstance(status, int) and isinstance(word, str):
                    yield status, word


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def test_every_route_is_an_operation_and_every_operation_a_route() -> None:
    # The routes alone are looked at: nothing of the parts is called.
    application = make_application(object.__new__(Reception), object.__new__(Probes))
    routes = [(route.path, route.methods or ()) for route in application.routes if isinstance(route, Route)]
    served = {
        (method.lower(), path.replace("delivery_id", "id"))
        for path, methods in routes
        for method in set(methods) - {"HEAD"}
    }
    assert served == {(method, path) for method, path, _ in openapi.operations()}


def test_every_error_word_has_its_status_and_no_other() -> None:
    documented = {
        (status, word)
        for _, _, operation in openapi.operations()
        for status, response in openapi.answers(operation)
        for word in openapi.error_words(response)
    }
    assert documented == set(words_of_the_code())


def test_an_answer_that_is_not_good_has_an_error_word() -> None:
    for method, path, operation in openapi.operations():
        for status, response in openapi.answers(operation):
            wordless = status == 200 or (path, status) == ("/readyz", 503)
            assert bool(openapi.error_words(response)) != wordless, (method, path, status)


def test_names_have_the_patterns_of_the_code() -> None:
    components = openapi.document()["components"]
    timestamp = openapi.document()["paths"]["/webhooks/{source}"]["post"]["parameters"][1]
    assert components["parameters"]["source"]["schema"]["pattern"] == f"^{SOURCE.pattern}$"
    assert components["schemas"]["id"]["pattern"] == f"^{DELIVERY_ID.pattern}$"
    assert (timestamp["name"], timestamp["schema"]["pattern"]) == ("webhook-timestamp", f"^{TIMESTAMP.pattern}$")


def test_limits_are_the_settings_defaults() -> None:
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    text = openapi.PATH.read_text("utf-8")
    assert f"{defaults['body_limit_bytes'] >> 20} MiB at most" in text
    assert f"larger than {defaults['headers_limit_bytes'] >> 10} KiB" in text
    assert f"at most {defaults['timestamp_tolerance_s']:g} away" in text


def test_readme_tells_the_same_statuses() -> None:
    post = openapi.document()["paths"]["/webhooks/{source}"]["post"]
    rows = re.findall(r"^\| (\d{3}(?:, \d{3})*) \|", README, re.MULTILINE)
    assert {status for row in rows for status in row.split(", ")} == set(post["responses"])


@pytest.mark.parametrize(
    ("path", "status", "answer", "error"),
    [
        ("/webhooks/shop", 200, {"source": "shop", "id": "a", "sha256": "x", "received_at": "2026"}, "does not match"),
        ("/webhooks/shop", 401, {"error": "id_conflict", "detail": "a"}, "is not one of"),
        ("/webhooks/shop", 503, {"error": "unavailable", "detail": "a"}, "lacks"),
        ("/webhooks/shop", 418, {"error": "teapot", "detail": "a"}, "teapot"),
    ],
)
def test_a_wrong_answer_would_be_found(path: str, status: int, answer: dict[str, str], error: str) -> None:
    request = httpx.Request("POST", f"http://127.0.0.1{path}")
    with pytest.raises((AssertionError, jsonschema.ValidationError), match=error):
        openapi.check(httpx.Response(status, json=answer, request=request))
