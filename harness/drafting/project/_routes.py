"""Finds a project's routes in its sources: what to deliver, what to read, and its readiness path."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from harness.drafting.project._body import Body, body_of, body_with
from harness.drafting.project._django_routes import django_routes
from harness.drafting.project._go import body_in_go
from harness.drafting.project._headers import id_header
from harness.drafting.project._python_routes import Route, python_routes
from harness.drafting.project._repeats import status_of_repeat
from harness.drafting.project._rust import body_in_rust, rust_routes

ROUTE = re.compile(r"(\w+)\.(get|post|put|patch|delete)\(\s*[\"'](/[^\"'\s]*)[\"']", re.IGNORECASE)
USE = re.compile(r"\.use\(\s*[\"'](/[^\"'\s]*)[\"']\s*,\s*(?:require\([\"'][^\"']*?(\w+)(?:\.\w+)?[\"']\)|(\w+))")
"""Express: a router below a path, by its file or by its variable."""
TAKEN = re.compile(r"\{([^{}]+)\}\s*=\s*\w+\.body\b")
READ = re.compile(r"\breq(?:uest)?\.body\.(\w+)")
"""Keys of the body of a request, as handlers of Express take them."""
TYPED = re.compile(r"\b(\w+)[\"']?\s*:\s*(?:\{\s*[\"']?type[\"']?\s*:\s*[\"']|z\.)(integer|number|boolean)\b")
"""A key whose value is not text, as a JSON Schema (Fastify, Ajv) or zod declares it."""
JSON_TYPES = {"integer": "int", "number": "int", "boolean": "bool"}
"""The type of the value that is sent. `number` gets a whole number, which both kinds of number accept."""
GO_ROUTE = re.compile(r"[\"`](GET|POST|PUT|PATCH|DELETE) (/[^\"`\s]*)[\"`]")
NAME = re.compile(r"[{:<](?:\w+:)?(\w+)(?::\w+)?\b")
"""The name of a path's parameter: `{name}`, `{name:str}`, `:name`, `<name>`, `<string:name>`."""
PARAMETER = re.compile(r"\{[^}]*\}|:\w+|<[^>]*>")
ASIDE = re.compile(r"/(?:log-?in|logout|tokens?|auth|sessions?|health\w*|ready\w*|alive|ping|metrics)\b", re.IGNORECASE)
"""Paths whose requests may be lost."""
TAKERS, CHANGES = ("POST", "PUT", "PATCH"), ("PUT", "DELETE")
APPLICATIONS = {"app", "server", "api", "client"}
"""Variables of Express that are not routers."""


@dataclass(frozen=True, slots=True)
class Routes:
    """The routes that were found. An empty path was not found.

    `path` and `read` have `{id}` for the last parameter, or `{number}`, or `{uuid}`. `read` has `{given}` if its
    parameter is a number or a UUID, and neither `path` nor the body has one. The user must fill in the others.
    """

    method: str = "POST"
    path: str = ""
    parameter: str = ""
    """The service's own name for the last parameter of the path."""
    path_in: str = ""
    read: str = ""
    body: Body | None = None
    id_header: str = ""
    """The header that has a delivery's id, if its path has none."""
    repeat: str = ""
    """The status by which the service says that a delivery is stored already."""
    changes: tuple[str, ...] = ()
    """The methods that change or remove what `read` shows."""


def routes(texts: Mapping[str, str]) -> Routes:
    """Return the first route that accepts a document, and the one that shows it."""
    trees = trees_of(texts)
    known = [
        (file, route)
        for file, route in [*python_routes(trees), *django_routes(trees), *_by_their_looks(texts, trees)]
        if not ASIDE.search(route.path)
    ]
    takers = sorted((each for each in known if each[1].method in TAKERS), key=_rank)
    if not takers:
        return Routes()
    file, route = takers[0]
    named = NAME.findall(route.path)
    of_one = _with_id(route.path if named else f"{route.path.rstrip('/')}/{{id}}").rstrip("/")
    about = [each for _, each in known if _with_id(each.path).rstrip("/") == of_one]
    shown = next((each for each in about if each.method == "GET"), None)
    word = "{number}" if route.numbered else "{uuid}" if route.of_uuids else "{id}"
    body = _body(route, texts[file], file, trees)
    of_read = word if shown is None or named else _word_of_read(shown, body, word)
    return Routes(
        route.method,
        _with_id(route.path).replace("{id}", word),
        named[-1] if named else "",
        file,
        "" if shown is None else _with_id(shown.path).replace("{id}", of_read),
        body,
        "" if named else route.id_header,
        route.repeat,
        tuple(each.method for each in about if each.method in CHANGES and each is not route) if shown else (),
    )


def _word_of_read(shown: Route, body: Body | None, word: str) -> str:
    """What stands for the id where a delivery's path has none: the service gives it, unless the body has it."""
    if shown.of_uuids and body is not None and body.id_field in NAME.findall(shown.path):
        return "{uuid}"
    return "{given}" if shown.numbered or shown.of_uuids else word


def _body(route: Route, text: str, file: str, trees: Mapping[str, ast.Module]) -> Body | None:
    found = body_of(route.takes, trees) or body_with(route.keys)
    if found is None and file.endswith(".go"):
        return body_in_go(text)
    return body_in_rust(route.method, route.path, text) if found is None and file.endswith(".rs") else found


def _rank(taker: tuple[str, Route]) -> tuple[bool, bool]:
    """A route with a number for its id probably changes what another route stores."""
    return taker[1].numbered, len(PARAMETER.findall(taker[1].path)) > 1


def trees_of(texts: Mapping[str, str]) -> Mapping[str, ast.Module]:
    """The sources that this Python can read, as trees."""
    return {file: tree for file, text in texts.items() if file.endswith(".py") and (tree := _tree(text)) is not None}


def _tree(text: str) -> ast.Module | None:
    """None for a text that this Python cannot parse."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None


def _with_id(path: str) -> str:
    found = list(PARAMETER.finditer(path))
    for match in reversed(found):
        path = path[: match.start()] + ("{id}" if match is found[-1] else "TODO") + path[match.end() :]
    return path


def _by_their_looks(texts: Mapping[str, str], read: Collection[str]) -> Iterator[tuple[str, Route]]:
    """The routes of other languages, and of Python that this version cannot parse."""
    others = {file: text for file, text in texts.items() if file not in read}
    below = {of_file or variable: path for text in others.values() for path, of_file, variable in USE.findall(text)}
    for file, text in others.items():
        stem = re.sub(r"\.\w+$", "", file.rpartition("/")[2])
        found = list(ROUTE.finditer(text))
        ends = [*(each.start() for each in found[1:]), len(text)]
        for match, end in zip(found, ends, strict=False):
            router, method, path = match.groups()
            prefix = "" if router in APPLICATIONS else below.get(router) or below.get(stem, "")
            handler = text[match.end() : end]
            typed = dict(TYPED.findall(text))
            keys = {key: JSON_TYPES.get(typed.get(key, ""), "str") for key in _keys_taken(handler)}
            whole = (prefix.rstrip("/") + path).rstrip("/") or "/"
            told = status_of_repeat(handler)
            yield file, Route(method.upper(), whole, keys=keys, id_header=id_header(handler), repeat=told)
        for route in rust_routes(text) if file.endswith(".rs") else ():
            yield file, route
        for method, path in GO_ROUTE.findall(text):
            yield file, Route(method, path, id_header=id_header(text), repeat=status_of_repeat(text))


def _keys_taken(handler: str) -> Iterator[str]:
    """The keys of the request's body that a handler of Express reads."""
    for taken in TAKEN.findall(handler):
        yield from (key for part in taken.split(",") if (key := part.partition(":")[0].partition("=")[0].strip()))
    yield from READ.findall(handler)
