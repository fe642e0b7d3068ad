"""Whether a value fits the type of a field. Python itself does not check that."""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Union

from harness.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

NUMBERS = {int: "a whole number", float: "a finite number"}


def check_fields(value: object, hints: Mapping[str, Any], place: str) -> None:
    """Refuse a value that its field's type does not allow. Raises UsageError with the place, key, value and fix."""
    for name, hint in hints.items():
        given = getattr(value, name)
        if not fits(given, hint):
            words, valid = words_for(hint), valid_words(hint)
            mend = "" if valid else f"give it {words}"
            raise UsageError.at(place, name, given, f"expected {words}", valid=valid, mend=mend)


def check_keys(data: Mapping[str, object], cls: type[DataclassInstance], name: str, place: str) -> None:
    """Refuse an unknown key, and a missing key that has no default. Raises UsageError.

    `name`: the name of the class in the file.
    """
    needed = _needed(cls)
    for key, given in data.items():
        if key not in needed:
            raise UsageError.unknown_key(place, key, given, f"{name} has no such key", valid=needed)
    for key, must in needed.items():
        if must and key not in data:
            raise UsageError.at(place, key, None, f"{name} needs this key", mend=f"add {key!r}")


@functools.lru_cache(maxsize=1024)
def _needed(cls: type[DataclassInstance]) -> Mapping[str, bool]:
    """Each key of a class, and whether it is required."""
    return {field.name: field.default is dataclasses.MISSING for field in dataclasses.fields(cls)}


@functools.lru_cache(maxsize=1024)
def shape_of(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return the parts of a type: of `tuple[int, ...]` they are `tuple` and `int`. The result is cached.

    The cache is limited, so that it does not keep types of modules that are gone.
    """
    return typing.get_origin(hint), typing.get_args(hint)


def fits(given: object, hint: Any) -> bool:
    """Return whether `given` is of the type `hint`. A bool is not a number; an int is also a float."""
    origin, arguments = shape_of(hint)
    if origin in (Union, types.UnionType):
        return any(fits(given, each) for each in arguments)
    if origin is tuple:
        return isinstance(given, tuple) and all(fits(item, arguments[0]) for item in given)
    if origin is typing.Literal:
        return isinstance(given, str) and given in arguments
    if hint is float:
        return isinstance(given, int | float) and not isinstance(given, bool) and _finite(given)
    if hint is int:
        return isinstance(given, int) and not isinstance(given, bool)
    return isinstance(given, hint)


def _finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number beyond any float
        return False


def words_for(hint: Any) -> str:
    """Describe a type in words: `a whole number or None`."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(words_for(each) for each in arguments)
    if origin is tuple:
        return f"values that are each {words_for(arguments[0])}"
    if origin is typing.Literal:
        return "one of the valid words"
    if hint is type(None):
        return "None"
    return NUMBERS.get(hint) or str(hint.__name__)


def valid_words(hint: Any) -> tuple[str, ...]:
    """Return the words that this type allows; none if the list is open."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return arguments
    if origin in (Union, types.UnionType):
        return tuple(word for each in arguments for word in valid_words(each))
    return ()
