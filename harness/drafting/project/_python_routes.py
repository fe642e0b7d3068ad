"""Reads the routes of a Python service: Starlette's tables, FastAPI's and Flask's decorators, with prefixes."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from harness.drafting.project._headers import id_header
from harness.drafting.project._repeats import status_of_repeat

METHODS = ("get", "post", "put", "patch", "delete")
TABLES = {"Route", "APIRoute", "api_route", "add_route", "add_api_route", "route", "add_url_rule"}
"""Calls that name a path, and their methods in `methods`."""
ROUTERS = {"APIRouter": "prefix", "Blueprint": "url_prefix"}
INCLUDES = {"include_router": "prefix", "register_blueprint": "url_prefix"}
NOT_AN_ID = re.compile(r"\{\w+:float\}|<float:\w+>")
"""A parameter that cannot be a delivery's id. An id is a text, a whole number or a UUID."""
NUMBER = re.compile(r"\{\w+:int\}|<int:\w+>")
UUID = re.compile(r"\{\w+:uuid\}|<uuid:\w+>")
NUMBERED, OF_UUIDS = "a number of its path", "a UUID of its path"
Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path. `takes`: the types that its function takes.

    `keys`: the keys of a JSON document that it reads, and their types, by Python's names: `{"cents": "int"}`.
    """

    method: str
    path: str
    takes: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    id_header: str = ""
    """The header that has a delivery's id."""
    repeat: str = ""
    """The status by which it says that a delivery is stored already."""
    numbered: bool = False
    """Whether a parameter of its path is a number."""
    of_uuids: bool = False
    """Whether a parameter of its path is a UUID."""


def python_routes(sources: Mapping[str, ast.Module]) -> Iterator[tuple[str, Route]]:
    """Return every route with its file, in the order of the sources."""
    modules = {file: _Module(tree) for file, tree in sources.items()}
    included = {router: prefix for module in modules.values() for router, prefix in module.included.items()}
    for file, module in modules.items():
        for router, route in module.routes():
            prefix = included.get((Path(file).stem, router)) or included.get(("", router), "")
            if not NOT_AN_ID.search(route.path):
                numbered = route.numbered or NUMBER.search(route.path) is not None
                of_uuids = route.of_uuids or UUID.search(route.path) is not None
                yield file, replace(route, path=prefix + route.path, numbered=numbered, of_uuids=of_uuids)


@dataclass(slots=True)
class _Module:
    tree: ast.Module
    own: dict[str, str] = field(init=False)
    """The prefix with which a router is made, by its variable."""
    included: dict[tuple[str, str], str] = field(init=False)
    """The prefix under which a router is included, by the last name of its module, and its own."""

    def __post_init__(self) -> None:
        self.own = dict(_routers(self.tree))
        self.included = dict(_inclusions(self.tree))

    def routes(self) -> Iterator[tuple[str, Route]]:
        """Each route with the variable of its router."""
        for node in _in_order(self.tree):
            if isinstance(node, Function):
                for decorator in node.decorator_list:
                    if isinstance(decorator, ast.Call):
                        yield from self._of_call(decorator, node)
            elif isinstance(node, ast.Expr | ast.Assign | ast.AnnAssign | ast.Return) and node.value is not None:
                yield from self._of_value(node.value, "")

    def _of_value(self, value: ast.expr, prefix: str) -> Iterator[tuple[str, Route]]:
        """The routes in a table. Routes of a `Mount` are below its path."""
        if isinstance(value, ast.Call):
            if called(value) == "Mount":
                prefix += _path(value) or ""
            elif called(value) in TABLES:
                for router, route in self._of_call(value, None):
                    yield router, replace(route, path=prefix + route.path)
                return
        for child in ast.iter_child_nodes(value):
            inner = child.value if isinstance(child, ast.keyword) else child
            if isinstance(inner, ast.expr):
                yield from self._of_value(inner, prefix)

    def _of_call(self, call: ast.Call, function: Function | None) -> Iterator[tuple[str, Route]]:
        name, path = called(call), _path(call)
        if path is None or (name not in METHODS and name not in TABLES):
            return
        on = call.func.value if isinstance(call.func, ast.Attribute) else None
        router = "" if on is None else last_name(on)
        takes = _takes(function, path)
        if takes is None:
            return
        for method in [name] if name in METHODS else _methods(call):
            handler = function or self._endpoint(call)
            text = "" if handler is None else ast.unparse(handler)
            whole, numbered = self.own.get(router, "") + path, NUMBERED in takes
            types = tuple(each for each in takes if each not in {NUMBERED, OF_UUIDS})
            yield (
                router,
                Route(
                    method.upper(),
                    whole,
                    types,
                    keys_read(handler),
                    id_header(text),
                    status_of_repeat(text),
                    numbered=numbered,
                    of_uuids=OF_UUIDS in takes,
                ),
            )

    def _endpoint(self, call: ast.Call) -> Function | None:
        """The function of this module that a table names for a path."""
        named = keyword(call, "endpoint") or keyword(call, "view_func") or (call.args[1] if call.args[1:] else None)
        functions = (each for each in ast.walk(self.tree) if isinstance(each, Function))
        return next((each for each in functions if isinstance(named, ast.Name) and each.name == named.id), None)


def _in_order(tree: ast.Module) -> list[ast.AST]:
    return sorted(ast.walk(tree), key=lambda node: (getattr(node, "lineno", 0), getattr(node, "col_offset", 0)))


def called(call: ast.Call) -> str:
    """The last name of the called object."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def last_name(node: ast.expr) -> str:
    """`c` of `a.b.c`; empty if it is not a name."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def text_of(node: ast.expr | None) -> str | None:
    """The text of a node of the source; None if it is not a text."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def texts_of(node: ast.expr) -> list[str]:
    """The texts in a list, or the only one."""
    inner = node.elts if isinstance(node, ast.List | ast.Tuple | ast.Set) else [node]
    return [text for each in inner if (text := text_of(each)) is not None]


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """The value of a call's keyword."""
    return next((each.value for each in call.keywords if each.arg == name), None)


def _path(call: ast.Call) -> str | None:
    path = text_of(call.args[0] if call.args else keyword(call, "path") or keyword(call, "rule"))
    return path if path is not None and (path == "" or path.startswith("/")) else None


def _methods(call: ast.Call) -> list[str]:
    methods = keyword(call, "methods")
    if not isinstance(methods, ast.List | ast.Tuple | ast.Set):
        return ["get"]
    return [text for text in texts_of(methods) if text.lower() in METHODS]


def _takes(function: Function | None, path: str) -> tuple[str, ...] | None:
    """The types that a function takes, with `NUMBERED` and `OF_UUIDS` for parameters of its path.

    None if another parameter is not a text.
    """
    if function is None:
        return ()
    types = []
    for argument in (*function.args.args, *function.args.kwonlyargs):
        of = argument.annotation
        if (
            isinstance(of, ast.Subscript)
            and getattr(of.value, "id", "") == "Annotated"
            and isinstance(of.slice, ast.Tuple)
        ):
            of = of.slice.elts[0]
        name = "" if of is None else last_name(of)
        if re.search(rf"[{{<]{argument.arg}[}}>]", path):
            if name in {"int", "UUID"}:
                types.append(NUMBERED if name == "int" else OF_UUIDS)
            elif name not in {"", "str"}:
                return None
        else:
            types.append(name)
    return tuple(each for each in types if each)


def keys_read(function: Function | None) -> Mapping[str, str]:
    """The keys that a handler needs of the document that it has read from its request, with their types.

    The keys without which it raises, and the keys whose type it checks.
    """
    if function is None:
        return {}
    nodes = sorted(
        (each for each in ast.walk(function) if isinstance(each, ast.expr | ast.stmt)),
        key=lambda each: (each.lineno, each.col_offset),
    )
    documents = {
        each.targets[0].id
        for each in nodes
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name) and _is_document(each.value)
    }
    found: dict[str, str] = {}
    variables: dict[str, str] = {}
    for each in nodes:
        if isinstance(each, ast.Assign):
            variables |= dict(_taken(each.targets[0], each.value, documents))
        found |= dict(_type_asked(each, documents, variables))
        if isinstance(each, ast.Subscript) and (key := _key(each, documents)) is not None:
            found.setdefault(key, "str")
    return found


def _key(node: ast.expr, documents: Collection[str]) -> str | None:
    """The key under which a document is read here: by `document["key"]` or `document.get("key")`."""
    match node:
        case ast.Subscript(value=of, slice=key):
            pass
        case ast.Call(func=ast.Attribute(value=of, attr="get"), args=[key, *_]):
            pass
        case _:
            return None
    return text_of(key) if _is_document(of) or getattr(of, "id", "") in documents else None


def _taken(target: ast.expr, value: ast.expr, documents: Collection[str]) -> Iterator[tuple[str, str]]:
    """The variables that get a value of a document here, with its key: `a, b = document["a"], document["b"]`."""
    match target, value:
        case ast.Tuple(elts=targets), ast.Tuple(elts=values):
            for one, of in zip(targets, values, strict=False):
                yield from _taken(one, of, documents)
        case ast.Name(id=name), _ if (key := _key(value, documents)) is not None:
            yield name, key
        case _:
            pass


def _type_asked(node: ast.AST, documents: Collection[str], variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The type that a value of a document must have here: `isinstance(VALUE, int)`, `int(VALUE)`."""
    match node:
        case ast.Call(
            func=ast.Name(id="isinstance"), args=[value, ast.Name(id=of) | ast.Tuple(elts=[ast.Name(id=of), *_])]
        ):
            pass
        case ast.Call(func=ast.Name(id="int" | "float" | "Decimal" as of), args=[value]):
            pass
        case _:
            return
    key = _key(value, documents) or variables.get(getattr(value, "id", ""))
    if key is not None:
        yield key, of


def _is_document(value: ast.expr) -> bool:
    """Whether it is `request.json` or `request.data`, or a call of `json`, `get_json` or `loads`, awaited or not."""
    value = value.values[0] if isinstance(value, ast.BoolOp) else value  # `get_json() or {}`
    value = value.value if isinstance(value, ast.Await) else value
    if isinstance(value, ast.Call):
        return called(value) in {"json", "get_json", "loads"}
    of_request = isinstance(value, ast.Attribute) and value.attr == "data" and last_name(value.value) == "request"
    return of_request or (isinstance(value, ast.Attribute) and value.attr == "json")


def _routers(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(node.targets[0], ast.Name):
            prefix = ROUTERS.get(called(node.value))
            if prefix is not None:
                yield node.targets[0].id, text_of(keyword(node.value, prefix)) or ""


def _inclusions(tree: ast.Module) -> Iterator[tuple[tuple[str, str], str]]:
    came_from = {
        each.asname or each.name: (node.module.rpartition(".")[2], each.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module is not None
        for each in node.names
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or called(node) not in INCLUDES or not node.args:
            continue
        prefix = text_of(keyword(node, INCLUDES[called(node)])) or ""
        match node.args[0]:
            case ast.Name(id=name):
                yield came_from.get(name, ("", name)), prefix
            case ast.Attribute(value=ast.Name(id=module), attr=name):
                yield (came_from[module][1] if module in came_from else module, name), prefix
            case ast.Attribute(value=ast.Attribute(attr=module), attr=name):
                yield (module, name), prefix
            case _:
                pass
