"""Finds in a project's sources what it serves: what to deliver, what to read, and its readiness path."""

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

ROUTE = re.compile(r"(\w+)\.(get|post|put|patch)\(\s*[\"'](/[^\"'\s]*)[\"']", re.IGNORECASE)
USE = re.compile(r"\.use\(\s*[\"'](/[^\"'\s]*)[\"']\s*,\s*(?:require\([\"'][^\"']*?(\w+)(?:\.\w+)?[\"']\)|(\w+))")
"""Express: a router below a path, by its file or by its variable."""
TAKEN = re.compile(r"\{([^{}]+)\}\s*=\s*\w+\.body\b")
READ = re.compile(r"\breq(?:uest)?\.body\.(\w+)")
"""Keys of the body of a request, as handlers of Express take them."""
TYPED = re.compile(r"\b(\w+)[\"']?\s*:\s*(?:\{\s*[\"']?type[\"']?\s*:\s*[\"']|z\.)(integer|number|boolean)\b")
"""A key whose value is not text, as a JSON Schema (Fastify, Ajv) or zod declares it."""
JSON_TYPES = {"integer": "int", "number": "int", "boolean": "bool"}
"""The type of the value that is sent. `number` gets a whole number, which both kinds of number accept."""
GO_ROUTE = re.compile(r"[\"`](GET|POST|PUT|PATCH) (/[^\"`\s]*)[\"`]")
NAME = re.compile(r"[{:<](?:\w+:)?(\w+)(?::\w+)?\b")
"""What a parameter of a path is called: `{name}`, `{name:str}`, `:name`, `<name>`, `<string:name>`."""
PARAMETER = re.compile(r"\{[^}]*\}|:\w+|<[^>]*>")
ASIDE = re.compile(r"/(?:log-?in|logout|tokens?|auth|sessions?|health\w*|ready\w*|alive|ping|metrics)\b", re.IGNORECASE)
"""Paths that carry nothing which must not be lost."""
APPLICATIONS = {"app", "server", "api", "client"}
"""Variables of Express that are no router."""


@dataclass(frozen=True, slots=True)
class Routes:
    """What was found. An empty path was not found.

    `path` and `read` have `{id}` for the last parameter. What stands for the others is for the user to say.
    """

    method: str = "POST"
    path: str = ""
    parameter: str = ""
    """What the service itself calls the last parameter of the path."""
    path_in: str = ""
    read: str = ""
    body: Body | None = None
    id_header: str = ""
    """The header that has a delivery's id, if its path has none."""


def routes(texts: Mapping[str, str]) -> Routes:
    """Return the first route that takes something, and the one that shows one of these."""
    trees = trees_of(texts)
    known = [
        (file, route)
        for file, route in [*python_routes(trees), *django_routes(trees), *_by_their_looks(texts, trees)]
        if not ASIDE.search(route.path)
    ]
    takers = sorted((each for each in known if each[1].method != "GET"), key=lambda each: _several(each[1].path))
    if not takers:
        return Routes()
    file, route = takers[0]
    of_one = route.path if PARAMETER.search(route.path) else f"{route.path.rstrip('/')}/{{id}}"
    shown = (_with_id(each.path) for _, each in known if each.method == "GET")
    read = next((path for path in shown if path.rstrip("/") == _with_id(of_one).rstrip("/")), "")
    body = (
        body_of(route.takes, trees)
        or body_with(route.keys)
        or (body_in_go(texts[file]) if file[-3:] == ".go" else None)
    )
    named = NAME.findall(route.path)
    by_header = "" if named else route.id_header
    return Routes(route.method, _with_id(route.path), named[-1] if named else "", file, read, body, by_header)


def _several(path: str) -> bool:
    return len(PARAMETER.findall(path)) > 1


def trees_of(texts: Mapping[str, str]) -> Mapping[str, ast.Module]:
    """The sources that this Python can read, as trees."""
    return {file: tree for file, text in texts.items() if file.endswith(".py") and (tree := _tree(text)) is not None}


def _tree(text: str) -> ast.Module | None:
    """None for a text that this Python does not read."""
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
    """The routes of other languages, and of a Python that this one does not read."""
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
            yield file, Route(method.upper(), whole, keys=keys, id_header=id_header(handler))
        for method, path in GO_ROUTE.findall(text):
            yield file, Route(method, path, id_header=id_header(text))


def _keys_taken(handler: str) -> Iterator[str]:
    """The keys that a handler of Express takes out of the body that it was sent."""
    for taken in TAKEN.findall(handler):
        yield from (key for part in taken.split(",") if (key := part.partition(":")[0].partition("=")[0].strip()))
    yield from READ.findall(handler)
