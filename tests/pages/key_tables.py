"""The tables of keys in docs/: made from the models that read the files, and committed, so that they read as text.

`python -m tests.pages.key_tables` writes them anew, between `<!-- keys: MODULE.MODEL -->` and `<!-- end of keys -->`.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from harness.documents import Table
from tests.pages.support import ROOT

PAGES = (ROOT / "docs" / "target.md", ROOT / "docs" / "dependencies.md")
COMMAND = "python -m tests.pages.key_tables"
PLACE = re.compile(r"(<!-- keys: (?P<module>[\w.]+)\.(?P<name>\w+) -->\n).*?(<!-- end of keys -->)", re.DOTALL)
KINDS = {
    "str": "text", "bool": "`true` or `false`", "int": "whole number", "float": "number", "Any": "any value",
    "PositiveInt": "whole number, 1 or more", "Seconds": "seconds", "Milliseconds": "milliseconds",
    "Expression": "expression", "ExpressionWithPort": "expression with a group `port`",
    "ExpressionWithId": "expression with a group `id`", "ExpressionWithTime": "expression with a group `time`",
    "ExpressionWithSecret": "expression with a group `secret`",
    "ExpressionWithKind": "expression with a group `kind`",
    "PositiveFloat": "number above 0", "Series": "series of a metric", "UrlPath": "path",
    "Status": "status", "Name": "name", "HostName": "host name", "HeaderName": "header's name", "Label": "label",
    "Text": "text",
    "OutcomeName": "name of an outcome", "Method": "HTTP method",
    "ProtocolName": "name of a protocol", "Environment": "environment", "Switch": "environment",
}  # fmt: skip
"""What the reader of a page calls each type. What a model gives another name has to be added here."""


class NotToldError(Exception):
    """The source does not say something that a table needs."""


def page_with_tables(text: str) -> str:
    """The page with every table as the code has it. Raises NotToldError."""
    return PLACE.sub(lambda place: f"{place[1]}\n{table(_model(place['module'], place['name']))}\n{place[4]}", text)


def table(model: type[BaseModel]) -> str:
    """What the model says of itself, and its keys as a Markdown table. Raises NotToldError."""
    told = told_of_keys(model)
    rows = [_row(model, name, field, told) for name, field in model.model_fields.items()]
    head = "| key | what it is | without it | meaning |\n|---|---|---|---|\n"
    return f"{inspect.getdoc(model)}\n\n{head}{''.join(rows)}"


def _model(module: str, name: str) -> type[BaseModel]:
    found: type[BaseModel] = getattr(importlib.import_module(module), name)
    return found


def _row(model: type[BaseModel], name: str, field: FieldInfo, told: Mapping[str, str]) -> str:
    if name not in told:
        raise NotToldError(f"{model.__name__}.{name}: give it a text below it that says what it means")
    said_by = next(each for each in model.__mro__ if name in inspect.get_annotations(each))
    kind = _kind(ast.parse(inspect.get_annotations(said_by)[name], mode="eval").body)
    cells = [f"`{field.alias or name}`", kind, _left_out(field), told[name]]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def told_of_keys(model: type[BaseModel]) -> Mapping[str, str]:
    """The texts below the attributes in the source, which Python itself forgets; each in one line."""
    models = [each for each in reversed(model.__mro__) if issubclass(each, Table) and each is not Table]
    body = [node for each in models for node in _class_in_source(each).body]
    return {
        key.target.id: " ".join(str(text.value.value).split())
        for key, text in pairwise(body)
        if isinstance(key, ast.AnnAssign) and isinstance(key.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    }


def _class_in_source(model: type) -> ast.ClassDef:
    [found] = ast.parse(inspect.getsource(model)).body
    assert isinstance(found, ast.ClassDef)
    return found


def _kind(node: ast.expr) -> str:
    """The type in words."""
    match node:
        case ast.BinOp(left=left):  # `X | None`: that it may be missing is said by "without it"
            return _kind(left)
        case ast.Name(id=name):
            return "table" if name.endswith("Description") else _kind_of_name(name)
        case ast.Subscript(value=ast.Name(id="Literal"), slice=values):
            return ", ".join(f"`{json.dumps(value)}`" for value in _literals(values))
        case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[kind, *_])):
            return _kind(kind)
        case ast.Subscript(value=ast.Name(id="list" | "tuple"), slice=item):
            return f"list of: {_kind(item.elts[0] if isinstance(item, ast.Tuple) else item)}"
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[key, value])):
            return f"table: {_kind(key)} = {_kind(value)}"
        case _:
            raise NotToldError(f"{ast.unparse(node)}: say in {__name__} what a page calls it")


def _kind_of_name(name: str) -> str:
    if name in KINDS:
        return KINDS[name]
    if name in _tables():
        return "table"
    raise NotToldError(f"{name}: say in {__name__}.KINDS what a page calls it")


def _tables() -> set[str]:
    return {place["name"] for page in PAGES for place in PLACE.finditer(page.read_text("utf-8"))}


def _literals(node: ast.expr) -> Sequence[object]:
    found = ast.literal_eval(node)
    return found if isinstance(found, tuple) else [found]


def _left_out(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is None:
        return "nothing"
    return f"`{_as_toml(default)}`"


def _as_toml(value: object) -> str:
    if isinstance(value, BaseModel):
        return _as_toml({name: getattr(value, name) for name in value.model_fields_set})
    if isinstance(value, dict):
        pairs = [f"{key} = {_as_toml(each)}" for key, each in value.items()]
        return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
    return json.dumps(value)


def write(pages: Sequence[Path]) -> None:
    """Write the tables of the pages anew."""
    for page in pages:
        page.write_text(page_with_tables(page.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    write(PAGES)
