"""Reads the files that people write. An error says what is wrong and how to fix it.

Each kind of file is a pydantic model whose tables are `Table`s: typed, frozen, without unknown keys. `read_toml` and
`read_json` read the text, `check_document` checks it against the model. Each mistake becomes one UsageError that names
the file, the key, the value, the nearest valid value and the fix.

    class Limits(Table):
        recovery_s: PositiveFloat = 10.0

    limits = check_document(Limits, read_toml(path, mend="name a file of limits"), place=str(path))
"""

from __future__ import annotations

import json
import re
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from harness.errors import UsageError

ModelT = TypeVar("ModelT", bound=BaseModel)
Location: TypeAlias = Sequence[int | str]

WORDS: Final[Mapping[str, str]] = {
    "string_type": "a text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
}
"""The types that pydantic's errors ask for, in the words of TOML and JSON, which have lists but no tuples."""


class Table(BaseModel):
    """A table of a file: typed, frozen, without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def wrong(problem: str, mend: str, *, valid: Iterable[str] = (), key: str = "") -> PydanticCustomError:
    """Return the error that a validator raises for a value of the right type that does not fit.

    `valid`: the values that would fit, if they can be listed; the error names the nearest one. `key`: the wrong key, if
    the validator looks at the whole table.
    """
    context = {"problem": problem, "mend": mend, "valid": sorted(valid), "key": key}
    return PydanticCustomError("wrong", "{problem}", context)


def _some_text(text: str) -> str:
    if not text.strip():
        raise wrong("needs a text", "write what a reader has to know")
    return text


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as problem:
        mend = "mend the expression; a backslash before a sign makes it plain"
        raise wrong(f"not a regular expression: {problem}", mend) from problem
    return text


Text: TypeAlias = Annotated[str, AfterValidator(_some_text)]
"""A text that is not blank."""
Expression: TypeAlias = Annotated[str, AfterValidator(_expression)]
"""A regular expression."""


def read_text(path: Path, *, mend: str, near: Iterable[Path] = (), place: str = "") -> str:
    """Read a file. `near`: files that the user may have meant. `place`: the beginning of an error, if not the path.

    Raises UsageError if the file does not exist, or is not UTF-8.
    """
    place = place or str(path)
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        valid = [str(found) for found in near]
        problem = "there is no such file"
        raise UsageError.at(place, "file", str(path), problem, valid=valid, mend="" if valid else mend) from None
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError.at(place, "file", path.name, f"cannot be read: {problem}", mend=mend) from problem


def read_toml(path: Path, *, mend: str, near: Iterable[Path] = ()) -> Mapping[str, Any]:
    """Read a TOML file. Raises UsageError; `mend` says what to do about a file that cannot be read."""
    text = read_text(path, mend=mend, near=near)
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        raise UsageError(f"{path}: not TOML: {problem}", hint="fix the line that it names") from problem


def read_json(path: Path, *, mend: str, near: Iterable[Path] = (), place: str = "") -> Mapping[str, Any]:
    """Read a file that contains one JSON object. Raises UsageError. `place`: the start of errors, if not the path."""
    place = place or str(path)
    text = read_text(path, mend=mend, near=near, place=place)
    try:
        data = json.loads(text)
    except json.JSONDecodeError as problem:
        raise UsageError(f"{place}: not JSON: {problem}", hint=f"fix the line that it names, or {mend}") from problem
    except (ValueError, RecursionError) as problem:
        hint = f"write smaller numbers, nest less, or {mend}"
        raise UsageError(f"{place}: too deep or too large to read: {problem}", hint=hint) from problem
    if not isinstance(data, dict):
        raise UsageError.at(place, "file", path.name, "holds no JSON object", mend=mend)
    return data


def check_schema(data: Mapping[str, Any], *, place: str, schema: str, mend: str = "") -> None:
    """Refuse a file of another kind, or of another version. Raises UsageError."""
    if data.get("schema") != schema:
        raise UsageError.at(
            place, "schema", data.get("schema"), "another kind or version of file", valid=[schema], mend=mend
        )


def check_document(model: type[ModelT], data: Mapping[str, Any], *, place: str, mend: str = "") -> ModelT:
    """Check what was read against its model, and return it.

    `place`: the beginning of an error, usually the file's path. `mend`: the advice if the problem itself suggests none,
    for example for a file that people should not edit.

    Raises UsageError for the first problem. Unknown keys come first: a misspelt key is also a missing one, and the
    misspelling is the cause.
    """
    try:
        return model.model_validate(data)
    except ValidationError as problem:
        errors = sorted(problem.errors(), key=lambda error: error["type"] != "extra_forbidden")
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise _usage_error(errors[0], model, data, place, more, mend) from problem


def read_document(model: type[ModelT], path: Path, *, schema: str, mend: str) -> ModelT:
    """Read a JSON file of one schema that a program wrote. Raises UsageError; `mend` says how to get a good file."""
    data = read_json(path, mend=mend)
    check_schema(data, place=str(path), schema=schema, mend=mend)
    return check_document(model, data, place=str(path), mend=mend)


def _usage_error(
    error: ErrorDetails, model: type[BaseModel], data: Mapping[str, Any], place: str, more: str, mend: str
) -> UsageError:
    context = error.get("ctx", {})
    table, key, value = _location(error, str(context.get("key", "")))
    where = f"{place}: {_table_name(table, data)}" if table else place
    if error["type"] == "extra_forbidden":
        valid = _keys_at(model, table)
        return UsageError.unknown_key(where, key, value, f"there is no such key{more}", valid=valid)
    if error["type"] == "missing":
        add = mend or f"add {key} to {_table_name(table, data) if table else 'the top of the file'}"
        return UsageError.at(where, key, None, f"this key is missing{more}", mend=add)
    if error["type"] in WORDS:
        word = WORDS[error["type"]]
        return UsageError.at(where, key, value, f"needs {word}{more}", mend=f"write {word}")
    said = str(context["error"]) if error["type"] == "value_error" else error["msg"]
    problem = f"{said[:1].lower()}{said[1:]}"
    valid = context.get("valid") or re.findall(r"'([^']+)'", str(context.get("expected", "")))
    own = context.get("mend") or mend or ("" if valid else f"mend {key}: {problem}")
    return UsageError.at(where, key, value, f"{problem}{more}", valid=valid, mend=own)


def _location(error: ErrorDetails, key_in_table: str) -> tuple[list[int | str], str, object]:
    """Return the table where an error is, the key in it, and the value: an item of a list is `refused[1]`."""
    location, value = list(error["loc"]), error["input"]
    if key_in_table:
        return location, key_in_table, value.get(key_in_table) if isinstance(value, dict) else value
    if location and location[-1] == "[key]":
        location[-1] = "name"
    key = ""
    while location and isinstance(location[-1], int):
        key = f"[{location.pop()}]{key}"
    return location[:-1], f"{location[-1] if location else 'file'}{key}", value


def _table_name(location: Location, data: Mapping[str, Any]) -> str:
    """Name the table at a location: `[links.redis]` as TOML writes it; one of a list `steps[3]`, with its id if any."""
    dotted = _dotted(location)
    if not dotted.endswith("]"):
        return f"[{dotted}]"
    found: Any = data
    for part in location:
        found = found[part]
    named = found.get("id") if isinstance(found, dict) else None
    return f"{dotted} ({named})" if isinstance(named, str) else dotted


def _dotted(location: Location) -> str:
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (f'"{part}"' if "." in part else part)
    return text


def _keys_at(model: type[BaseModel], location: Location) -> list[str]:
    """The keys that the table at a location may have; none if every key is allowed."""
    found: Any = model
    for part in location:
        found = _below(found, part)
    table = _model_in(found)
    return [] if table is None else [field.alias or name for name, field in table.model_fields.items()]


def _below(annotation: Any, part: int | str) -> Any:
    table = _model_in(annotation)
    if table is not None and isinstance(part, str):
        named = {field.alias or name: field for name, field in table.model_fields.items()}
        return named[part].annotation if part in named else None
    inner = [each for each in typing.get_args(annotation) if each is not Ellipsis]
    return inner[-1] if inner else None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model of an annotation such as `Limits`, `Limits | None` or `Annotated[Limits, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType, typing.Annotated):
        return next((model for each in typing.get_args(annotation) if (model := _model_in(each))), None)
    return None
