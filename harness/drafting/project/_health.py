"""Finds the paths by which a service says that it is alive and ready."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from harness.drafting.project._django_routes import django_routes
from harness.drafting.project._texts import first

_ABOVE = r"(?:/(?:api|v\d+|healthz?|internal|system|actuator|_|-))*"
_PATH = r"[\"'`](?:GET )?(" + _ABOVE + r"/(?:{words})/?)[\"'`]"
READY = re.compile(_PATH.replace("{words}", "readyz?|readiness"))
ALIVE = re.compile(_PATH.replace("{words}", "healthz?|healthy|alive|livez?|liveness|ping|status|healthcheck"))


def alive_path(texts: Mapping[str, str], trees: Mapping[str, ast.Module]) -> tuple[str, str]:
    """Return the path of the liveness check and the file that has it; two empty texts if there is none."""
    return _path(ALIVE, texts, trees)


def ready_path(texts: Mapping[str, str], trees: Mapping[str, ast.Module]) -> tuple[str, str]:
    """Return the path of the readiness check and the file that has it; two empty texts if there is none."""
    return _path(READY, texts, trees)


def _path(words: re.Pattern[str], texts: Mapping[str, str], trees: Mapping[str, ast.Module]) -> tuple[str, str]:
    path, file = first(words, texts)
    return (path, file) if path else first(words, _of_django(trees))


def _of_django(trees: Mapping[str, ast.Module]) -> Mapping[str, str]:
    """The whole paths of Django's routes, each in quotes, by the files of their views: its tables have only parts."""
    found: dict[str, str] = {}
    for file, route in django_routes(trees):
        if route.method == "GET":
            found[file] = f'{found.get(file, "")}"{route.path}"\n'
    return found
