"""Frozen dataclasses of plain fields as JSON objects, and back, with errors that name the place."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import functools
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, TypeVar, Union, cast

from harness.errors import UsageError
from harness.vocabulary.fitting import check_fields, check_keys
from harness.vocabulary.value import Json, told_at


class Plain(Protocol):
    """A dataclass whose fields hold plain values, or such dataclasses again."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]


PlainT = TypeVar("PlainT", bound=Plain)


def encode(value: Plain) -> dict[str, Json]:
    """Return every field; bytes as base64, a dataclass in a field by its own `to_json`."""
    encoded: dict[str, Json] = {}
    for field in dataclasses.fields(value):
        encoded[field.name] = _encoded(getattr(value, field.name))
    return encoded


def decode(data: Json, cls: type[PlainT], *, place: str) -> PlainT:
    """Build `cls` from an object. Raises UsageError with the place, the key, the value and the closest valid one."""
    if not isinstance(data, dict):
        raise UsageError.at(place, "value", data, "expected an object", mend="write { }")
    check_keys(data, cls, cls.__name__, place)
    hints = _hints(cls)
    arguments: dict[str, Any] = {name: _decoded(word, hints[name], place, name) for name, word in data.items()}
    with told_at(place):
        return cls(**arguments)


def by_kind(data: Json, kinds: Mapping[str, type[PlainT]], *, place: str, word: str) -> PlainT:
    """Build the one of `kinds` that the key "kind" names."""
    if not isinstance(data, dict):
        raise UsageError.at(
            place, "value", data, f"expected an object with a kind of {word}", mend='write {"kind": ...}'
        )
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise UsageError.at(place, "kind", kind, f"not a kind of {word}", valid=kinds)
    return decode({key: given for key, given in data.items() if key != "kind"}, kinds[kind], place=place)


def check_types(value: Plain, place: str) -> None:
    """Refuse a value that does not fit its field's type, which Python does not check. Raises UsageError."""
    check_fields(value, _hints(type(value)), place)


@functools.cache
def _hints(cls: type[Plain]) -> Mapping[str, Any]:
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def _encoded(value: Any) -> Json:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if hasattr(value, "to_json"):
        value = value.to_json()
    return cast("Json", value)


def _decoded(data: Json, hint: Any, place: str, key: str) -> object:
    if data is not None and bytes in _choices(hint):
        return _bytes(data, place, key)
    for choice in _choices(hint):
        from_json = getattr(choice, "from_json", None)
        if from_json is not None:
            return from_json(data, place=f"{place}.{key}")
    return data


def _bytes(data: Json, place: str, key: str) -> bytes:
    try:
        if isinstance(data, str):
            return base64.b64decode(data, validate=True)
    except binascii.Error:
        pass  # reported below, as everything else that is not base64
    raise UsageError.at(place, key, data, "expected bytes in base64", mend="write them as base64 (RFC 4648)")


def _choices(hint: Any) -> Sequence[Any]:
    is_union = typing.get_origin(hint) in (Union, types.UnionType)
    return typing.get_args(hint) if is_union else (hint,)
