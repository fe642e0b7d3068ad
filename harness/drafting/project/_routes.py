"""Finds in a project's sources what it serves: what to deliver, what to read, and whether it is ready."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

ROUTE = re.compile(r"\.(get|post|put|patch)\(\s*[\"'](/[^\"'\s]*)[\"']", re.IGNORECASE)
GO_ROUTE = re.compile(r"[\"`](GET|POST|PUT|PATCH) (/[^\"`\s]*)[\"`]")
PARAMETER = re.compile(r"\{[^}]*\}|:\w+|<[^>]*>")
ASIDE = re.compile(r"/(?:log-?in|logout|tokens?|auth|sessions?|health\w*|ready\w*|alive|ping|metrics)\b", re.IGNORECASE)
"""Paths that carry nothing which must not be lost."""


@dataclass(frozen=True, slots=True)
class Routes:
    """What was found. An empty path was not found. `path` and `read` have `{id}` for the only parameter."""

    method: str = "POST"
    path: str = ""
    path_in: str = ""
    read: str = ""


def routes(texts: Mapping[str, str]) -> Routes:
    """Return the first route that takes something, and the one that shows one of these."""
    known = [(method, path, file) for file, text in texts.items() for method, path in _routes(text)]
    taken = next((each for each in known if each[0] != "GET" and len(PARAMETER.findall(each[1])) <= 1), None)
    if taken is None:
        return Routes()
    method, path, file = taken
    of_one = path if PARAMETER.search(path) else f"{path.rstrip('/')}/{{id}}"
    shown = (_with_id(path) for method, path, _ in known if method == "GET")
    return Routes(method, _with_id(path), file, next((path for path in shown if path == _with_id(of_one)), ""))


def _with_id(path: str) -> str:
    return PARAMETER.sub("{id}", path)


def _routes(text: str) -> Iterator[tuple[str, str]]:
    for pattern in (ROUTE, GO_ROUTE):
        for match in pattern.finditer(text):
            if not ASIDE.search(match[2]):
                yield match[1].upper(), match[2]
