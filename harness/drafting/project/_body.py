"""Makes the body of a delivery from the model that a route takes: pydantic, msgspec or a dataclass."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

ID_NAME = re.compile(r"(?:^|_)(?:id|key|ref|reference|number|code|slug|name|title)$", re.IGNORECASE)
"""Names of fields that identify a document."""
MODELS = {"BaseModel", "Struct", "SQLModel", "TypedDict", "Schema"}
VALUES: Mapping[str, object] = {
    "str": "text",     "int": 1, "PositiveInt": 1, "NonNegativeInt": 1, "bool": True,
    "float": 1.5, "PositiveFloat": 1.5, "Decimal": "1.50",
    "datetime": "2026-01-02T03:04:05Z", "AwareDatetime": "2026-01-02T03:04:05Z", "date": "2026-01-02",
    "EmailStr": "someone@example.com", "HttpUrl": "https://example.com/", "AnyUrl": "https://example.com/",
    "dict": {}, "list": [], "Any": "text",
}  # fmt: skip
"""A value of each type."""


@dataclass(frozen=True, slots=True)
class Body:
    """The text of a body, and the field in it that has the delivery's id."""

    text: str
    id_field: str


class _NoValueError(Exception):
    """A field whose type has no known example value."""


def body_of(types: tuple[str, ...], sources: Mapping[str, ast.Module]) -> Body | None:
    """Return a body of the first model among these types; None without one, or if a value or the id has no place."""
    classes = {
        node.name: node for tree in sources.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
    }
    model = next((classes[name] for name in types if name in classes and _is_model(classes[name], classes)), None)
    if model is None:
        return None
    texts = [name for name, of in _fields(model, classes) if _name(of) == "str"]
    id_field = next((name for name in texts if ID_NAME.search(name)), texts[0] if texts else None)
    if id_field is None:
        return None
    try:
        document = {**_document(model, classes, 0), id_field: "{id}"}
    except _NoValueError:
        return None
    return Body(json.dumps(document), id_field)


def body_with(keys: Mapping[str, str]) -> Body | None:
    """Return a body with these keys, each with a value of its type, by Python's names; None without a text."""
    return with_id({key: VALUES.get(of, "text") for key, of in keys.items()})


def with_id(document: Mapping[str, object]) -> Body | None:
    """Return this document with the id in the text that has an id's name, or in the first text; None without a text."""
    texts = [key for key, value in document.items() if isinstance(value, str)]
    if not texts:
        return None
    id_field = next((key for key in texts if ID_NAME.search(key)), texts[0])
    return Body(json.dumps({**document, id_field: "{id}"}), id_field)


def _is_model(node: ast.ClassDef, classes: Mapping[str, ast.ClassDef]) -> bool:
    bases = [_name(each) for each in node.bases]
    if any(name in MODELS for name in bases) or any("dataclass" in ast.unparse(each) for each in node.decorator_list):
        return True
    return any(_is_model(classes[name], classes) for name in bases if name in classes and name != node.name)


def _fields(node: ast.ClassDef, classes: Mapping[str, ast.ClassDef]) -> list[tuple[str, ast.expr]]:
    """The required fields with their types, a base class's fields first."""
    inherited = [
        field
        for base in node.bases
        if _name(base) in classes and _name(base) != node.name
        for field in _fields(classes[_name(base)], classes)
    ]
    own = [
        (each.target.id, each.annotation)
        for each in node.body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and _is_owed(each)
    ]
    return [*inherited, *own]


def _is_owed(field: ast.AnnAssign) -> bool:
    if _name(field.annotation) == "ClassVar":
        return False
    if field.value is None:
        return True
    if not (isinstance(field.value, ast.Call) and _name(field.value.func) == "Field"):
        return False
    given = {each.arg for each in field.value.keywords}
    first_is_ellipsis = not field.value.args or ast.unparse(field.value.args[0]) == "..."
    return first_is_ellipsis and not given & {"default", "default_factory"}


def _document(model: ast.ClassDef, classes: Mapping[str, ast.ClassDef], depth: int) -> dict[str, object]:
    if depth > 3:  # a model of itself
        raise _NoValueError
    return {name: _value(of, classes, depth) for name, of in _fields(model, classes)}


def _value(of: ast.expr, classes: Mapping[str, ast.ClassDef], depth: int) -> object:
    name = _name(of)
    if isinstance(of, ast.Subscript):
        inner = of.slice.elts[0] if isinstance(of.slice, ast.Tuple) else of.slice
        return _value_of_several(name, inner, classes, depth)
    if isinstance(of, ast.BinOp):  # `X | None`
        return _value(of.left, classes, depth)
    if name in VALUES:
        return VALUES[name]
    if name in classes and _is_model(classes[name], classes):
        return _document(classes[name], classes, depth + 1)
    raise _NoValueError


def _value_of_several(name: str, inner: ast.expr, classes: Mapping[str, ast.ClassDef], depth: int) -> object:
    """A value of `NAME[INNER, ...]`."""
    if name == "Literal":
        return ast.literal_eval(inner)
    if name in {"dict", "Dict", "Mapping"}:
        return {}
    value = _value(inner, classes, depth + 1)
    if name in {"list", "List", "Sequence", "set", "tuple"}:
        return [value]
    if name in {"Annotated", "Optional"}:
        return value
    raise _NoValueError


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(value=value):
            return _name(value)
        case _:
            return ""
