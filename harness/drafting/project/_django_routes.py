"""Reads the routes of a Django project: `urlpatterns` with their includes, views of functions and of classes."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from harness.drafting.project._python_routes import (
    METHODS,
    NOT_AN_ID,
    NUMBER,
    UUID,
    Function,
    Route,
    called,
    keys_read,
    last_name,
    text_of,
    texts_of,
)
from harness.drafting.project._repeats import status_of_repeat

Defined: TypeAlias = Function | ast.ClassDef
ONLY: Mapping[str, tuple[str, ...]] = {"require_POST": ("post",), "require_GET": ("get",), "require_safe": ("get",)}
"""Decorators that let some methods through."""
LISTS = {"require_http_methods", "api_view"}
"""Decorators that list the methods which they let through."""
GENERIC: Mapping[str, tuple[str, ...]] = {
    "CreateAPIView": ("post",), "ListCreateAPIView": ("get", "post"), "RetrieveAPIView": ("get",),
    "RetrieveUpdateAPIView": ("get", "put", "patch"), "UpdateAPIView": ("put", "patch"),
    "RetrieveUpdateDestroyAPIView": ("get", "put", "patch"), "CreateView": ("get", "post"), "DetailView": ("get",),
}  # fmt: skip
"""The methods of views that a framework has ready."""
LOOKED_UP = "lookup_field"


@dataclass(frozen=True, slots=True)
class _Pattern:
    """One line of `urlpatterns`: what comes below the path. `includes`: a module's name with dots."""

    path: str
    view: ast.expr | None = None
    includes: str = ""


@dataclass(slots=True)
class _Urls:
    """A module with `urlpatterns`."""

    file: str
    patterns: Sequence[_Pattern]
    registered: Sequence[tuple[str, ast.expr]]
    """What a router of Django REST framework has: a path and a set of views."""
    below: list[str] = field(default_factory=list)
    """The paths under which it is included."""


def django_routes(sources: Mapping[str, ast.Module]) -> Iterator[tuple[str, Route]]:
    """Return every route with the file of its view."""
    modules = {file: urls for file, tree in sources.items() if (urls := _urls(file, tree)) is not None}
    for prefix, urls in _placed(modules):
        for pattern in urls.patterns:
            if pattern.view is not None:
                yield from _of_view(prefix + pattern.path, pattern.view, urls.file, sources)
        for name, views in urls.registered:
            yield from _of_set(f"{prefix}{name}/", views, urls.file, sources)


def _placed(modules: Mapping[str, _Urls]) -> Iterator[tuple[str, _Urls]]:
    """Each module with each prefix of its paths. A module that is included nowhere has no prefix."""
    included = {file: list(_including(file, modules)) for file in modules}

    def prefixes(file: str, depth: int) -> Iterator[str]:
        if not included[file] or depth > len(modules):
            yield "/"
            return
        for by, path in included[file]:
            for prefix in prefixes(by, depth + 1):
                yield prefix + path

    for file, urls in modules.items():
        for prefix in prefixes(file, 0):
            yield prefix, urls


def _including(file: str, modules: Mapping[str, _Urls]) -> Iterator[tuple[str, str]]:
    dotted = ".".join(Path(file).with_suffix("").parts)
    for by, urls in modules.items():
        for pattern in urls.patterns:
            if (
                pattern.includes
                and by != file
                and (dotted == pattern.includes or dotted.endswith("." + pattern.includes))
            ):
                yield by, pattern.path


def _urls(file: str, tree: ast.Module) -> _Urls | None:
    tables = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) and node.value is not None and _is_table(node)
    ]
    if not tables:
        return None
    calls = [each for table in tables for each in ast.walk(table) if isinstance(each, ast.Call)]
    patterns = [pattern for call in calls if (pattern := _pattern(call)) is not None]
    sets = [
        (path, call.args[1])
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and called(call) == "register" and len(call.args) > 1
        and (path := text_of(call.args[0])) is not None
    ]  # fmt: skip
    of_router = next((each.path for each in patterns if each.includes == "" and each.view is None), "")
    return _Urls(file, patterns, [(of_router + path.strip("/"), views) for path, views in sets])


def _is_table(node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(isinstance(each, ast.Name) and each.id == "urlpatterns" for each in targets)


def _pattern(call: ast.Call) -> _Pattern | None:
    """Read a `path(...)`. A regular expression, as in `re_path`, is not a path to which a delivery could be sent."""
    path = text_of(call.args[0]) if called(call) == "path" and len(call.args) > 1 else None
    if path is None:
        return None
    view = call.args[1]
    if not (isinstance(view, ast.Call) and called(view) == "include"):
        return _Pattern(path, view)
    named = view.args[0] if view.args else None
    if isinstance(named, ast.Tuple) and named.elts:
        named = named.elts[0]
    return _Pattern(path, None, text_of(named) or "")


def _of_view(path: str, view: ast.expr, urls: str, sources: Mapping[str, ast.Module]) -> Iterator[tuple[str, Route]]:
    file, defined = _defined(view, urls, sources)
    if defined is None or NOT_AN_ID.search(path):
        return
    for method in _methods(defined):
        body = defined if isinstance(defined, Function) else _own_method(defined, method)
        repeat = "" if body is None else status_of_repeat(ast.unparse(body))
        numbered, of_uuids = NUMBER.search(path) is not None, UUID.search(path) is not None
        keys = keys_read(body)
        yield file, Route(method.upper(), path, keys=keys, repeat=repeat, numbered=numbered, of_uuids=of_uuids)


def _of_set(path: str, views: ast.expr, urls: str, sources: Mapping[str, ast.Module]) -> Iterator[tuple[str, Route]]:
    """A set of views accepts at its path, and shows below it, by default by a number."""
    file, defined = _defined(views, urls, sources)
    if not isinstance(defined, ast.ClassDef) or any("ReadOnly" in last_name(base) for base in defined.bases):
        return
    yield file, Route("POST", path, keys=keys_read(_own_method(defined, "create")))
    if any(isinstance(each, ast.Assign) and last_name(each.targets[0]) == LOOKED_UP for each in defined.body):
        yield file, Route("GET", path + "<id>/")


def _defined(view: ast.expr, urls: str, sources: Mapping[str, ast.Module]) -> tuple[str, Defined | None]:
    """The function or class that a table names, and its file. The table's own folder is searched first."""
    while isinstance(view, ast.Call):  # `csrf_exempt(view)`, `View.as_view()`
        as_view = isinstance(view.func, ast.Attribute) and view.func.attr == "as_view"
        view = (
            view.func.value
            if as_view and isinstance(view.func, ast.Attribute)
            else view.args[0]
            if view.args
            else view.func
        )
    name, home = last_name(view), Path(urls).parent
    for file in sorted(sources, key=lambda each: (Path(each).parent != home, each)):
        for node in sources[file].body:
            if isinstance(node, Defined) and node.name == name:
                return file, node
    return "", None


def _own_method(view: ast.ClassDef, name: str) -> Function | None:
    return next((each for each in view.body if isinstance(each, Function) and each.name == name), None)


def _methods(view: Defined) -> Sequence[str]:
    """The methods that a view takes."""
    for decorator in view.decorator_list:
        if isinstance(decorator, ast.Call) and called(decorator) in LISTS and decorator.args:
            return [each.lower() for each in texts_of(decorator.args[0]) if each.lower() in METHODS]
        if last_name(decorator) in ONLY:
            return ONLY[last_name(decorator)]
    if isinstance(view, ast.ClassDef):
        own = [each for each in METHODS if _own_method(view, each) is not None]
        return own or next((GENERIC[name] for base in view.bases if (name := last_name(base)) in GENERIC), ())
    return [*_compared(view)]


def _compared(view: Function) -> Iterator[str]:
    """The methods that a function asks for; GET, too, unless the view refuses all other methods."""
    asked = [
        (each.ops[0], [text for operand in each.comparators for text in texts_of(operand)])
        for each in ast.walk(view)
        if isinstance(each, ast.Compare) and last_name(each.left) == "method"
    ]
    if not any(isinstance(operator, ast.NotEq | ast.NotIn) for operator, _ in asked):
        yield "get"
    found = dict.fromkeys(text.lower() for _, texts in asked for text in texts)
    yield from (method for method in found if method in METHODS and method != "get")
