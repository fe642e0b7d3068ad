"""Frozen values that can be a parameter, an id, a line of JSON, and Python source.

A subclass names its kind once, `class Down(Fault, kind="link.down")`, and is registered under it.
Everything else follows from its fields: `repr` is the source that builds it, `str` is an id that
holds only `[A-Za-z0-9._=+-]`, `to_json` and `from_json` are inverse to each other.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import operator
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, Field, dataclass
from typing import Any, ClassVar, Self, TypeAlias, TypeVar, Union, cast

from harness.errors import UsageError, closest
from harness.protocols.registry import import_everywhere
from harness.vocabulary.fitting import check_fields, check_keys, fits, shape_of, words_for

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
ValueT = TypeVar("ValueT", bound="Value")

UNSAFE_IN_AN_ID = re.compile(r"[^A-Za-z0-9._=+-]+")
NAMED_BY_THEIR_TEXT = frozenset({"text", "table", "errno", "pattern", "name"})
PLAIN = frozenset({bool, int, float, str})


@dataclass(frozen=True)
class Value:
    """Base of links, moments, figures, faults and steps."""

    kind: ClassVar[str] = ""
    _kinds: ClassVar[dict[str, type[Value]]] = {}
    _field_types: ClassVar[Mapping[str, Any]]
    _in_order: ClassVar[Sequence[Field[Any]]]

    def __init_subclass__(cls, *, kind: str = "") -> None:
        """Register the class under its kind; a kind is given to one class only."""
        super().__init_subclass__()
        if not kind:
            return
        known = Value._kinds.get(kind, cls)
        if (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):  # but for a module's reload
            raise TypeError(f"kind {kind!r} belongs to {known.__module__}.{known.__qualname__} already")
        cls.kind = kind
        Value._kinds[kind] = cls

    @classmethod
    def kinds(cls) -> dict[str, type[Self]]:
        """Every registered kind of this class, by name: those of the protocols' own words, too."""
        import_everywhere("words")
        return {kind: known for kind, known in Value._kinds.items() if issubclass(known, cls)}

    @staticmethod
    def known(kind: str) -> type[Value] | None:
        """The class of that kind, of whatever base; None if there is none."""
        if kind not in Value._kinds:
            import_everywhere("words")
        return Value._kinds.get(kind)

    @classmethod
    def field_types(cls) -> Mapping[str, Any]:
        """The type of each field, by name."""
        # Kept by the class itself, so that it goes with it.
        known: Mapping[str, Any] | None = cls.__dict__.get("_field_types")
        if known is None:
            hints = typing.get_type_hints(cls)
            known = cls._field_types = {field.name: hints[field.name] for field in dataclasses.fields(cls)}
        return known

    @classmethod
    def in_order(cls) -> Sequence[Field[Any]]:
        """The fields, those without a name first."""
        known: Sequence[Field[Any]] | None = cls.__dict__.get("_in_order")
        if known is None:
            known = cls._in_order = sorted(dataclasses.fields(cls), key=lambda field: bool(field.kw_only))
        return known

    @classmethod
    def from_shorthand(cls, text: str, *, place: str) -> Self:
        """Read a value from one word; only links have such a form."""
        raise _not_an_object(text, cls, place)

    def __post_init__(self) -> None:
        """Refuse, when the value is made, what a field's type does not allow. Raises UsageError."""
        check_fields(self, self.field_types(), self.kind)

    def __repr__(self) -> str:
        """Python source that builds an equal value."""
        return f"{self.kind}({', '.join(_source_arguments(self))})"

    def __str__(self) -> str:
        """An id: also a file's name and a JUnit name."""
        return safe_id("-".join([self.kind, *id_parts(self)]))

    def words(self) -> str:
        """What it is, in words for people: a clause without a full stop. Without words of its class, its source."""
        return repr(self)


def safe_id(text: str) -> str:
    """Replace every run of characters that an id may not hold by one underscore."""
    return UNSAFE_IN_AN_ID.sub("_", text)


def given_fields(value: Value) -> Iterator[tuple[Field[Any], Any]]:
    """Yield each field that was given, with its value: defaults are left out. Those without a name come first."""
    for field in value.in_order():
        given = getattr(value, field.name)
        if field.default is MISSING or given != field.default:
            yield field, given


def _source_arguments(value: Value) -> Iterator[str]:
    for field, given in given_fields(value):
        if isinstance(given, tuple) and not field.kw_only:
            yield from (repr(item) for item in given)
        else:
            yield f"{field.name}={given!r}" if field.kw_only else repr(given)


def id_parts(value: Value) -> Iterator[str]:
    """Yield what an id tells of each field that was given."""
    for field, given in given_fields(value):
        if isinstance(given, Value) or field.name in NAMED_BY_THEIR_TEXT:
            yield str(given)
        elif given is True:
            yield field.name
        else:
            yield f"{field.name}={given}"


def to_json(value: object) -> Json:
    """Turn a value, or what a field of one may hold, into JSON."""
    if value is None or type(value) in PLAIN:  # first: a history has many thousands of them
        return cast("Json", value)
    if isinstance(value, enum.Flag):
        return list(_words_of(value))
    if isinstance(value, Value):
        shorthand = getattr(value, "shorthand", None)
        if shorthand is not None:
            return cast("str", shorthand)
        return {"kind": value.kind, **{field.name: to_json(given) for field, given in given_fields(value)}}
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    if isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{value!r} is not a value that a step may hold")


@functools.lru_cache(maxsize=1024)
def _words_of(value: enum.Flag) -> Sequence[str]:
    """The words of its members: enum computes them again for each, and every line of a history has some."""
    return tuple((member.name or "").lower() for member in value)


@functools.lru_cache(maxsize=64)
def _members_of(flag: type[enum.Flag]) -> Mapping[str, enum.Flag]:
    return {(member.name or "").lower(): member for member in flag}


def from_json(data: Json, expected: type[ValueT], *, place: str) -> ValueT:
    """Build the value that `to_json` wrote.

    Raises:
        UsageError: with the place, the key, the value, the closest valid one and what to write.
    """
    if isinstance(data, str):
        return expected.from_shorthand(data, place=place)
    if not isinstance(data, dict):
        raise _not_an_object(data, expected, place)
    cls = _class_of(data, expected, place)
    arguments = _arguments(cls, data, place)
    try:
        return cast("ValueT", cls(**arguments))
    except UsageError as problem:
        raise _told_at(place, problem) from problem


def _told_at(place: str, problem: UsageError) -> UsageError:
    return UsageError(f"{place}: {problem.message}", hint=problem.hint)


@contextmanager
def told_at(place: str) -> Iterator[None]:
    """Add the place to the UsageError that a value raises: the value does not know in which file it was written."""
    try:
        yield
    except UsageError as problem:
        raise _told_at(place, problem) from problem


def _not_an_object(data: Json, expected: type[Value], place: str) -> UsageError:
    words = sorted(expected.kinds())
    known = closest(data, words) if isinstance(data, str) else None
    problem = f"expected an object with a kind of {expected.__name__.lower()}"
    return UsageError.at(
        place, "value", data, problem, valid=words, mend=f'write {{"kind": "{known or words[0]}", ...}}'
    )


def _class_of(data: Mapping[str, Json], expected: type[Value], place: str) -> type[Value]:
    kind = data.get("kind")
    found = Value.known(kind) if isinstance(kind, str) else None
    if found is None or not issubclass(found, expected):
        raise UsageError.at(place, "kind", kind, f"not a kind of {expected.__name__.lower()}", valid=expected.kinds())
    return found


def _arguments(cls: type[Value], data: Mapping[str, Json], place: str) -> dict[str, object]:
    given = {key: word for key, word in data.items() if key != "kind"}
    check_keys(given, cls, cls.kind, place)
    return {
        # Most fields hold what they should, plainly: a history has thousands of them.
        name: given[name] if type(given[name]) in as_it_is(hint) else decode(given[name], hint, f"{place}.{name}")
        for name, hint in cls.field_types().items()
        if name in given
    }


@functools.lru_cache(maxsize=1024)
def as_it_is(hint: Any) -> frozenset[type]:
    """The types of JSON that a field of this type holds as it is: its own, and None beside it if it may be left out."""
    origin, arguments = shape_of(hint)
    if origin not in (Union, types.UnionType):
        return frozenset({hint} & PLAIN)
    own = frozenset(arguments) - {types.NoneType}
    return own | {types.NoneType} if len(own) == 1 and own <= PLAIN else frozenset()


def decode(data: Json, hint: Any, place: str) -> object:
    """Read one field's JSON by the field's type hint."""
    origin, arguments = shape_of(hint)
    if origin in (Union, types.UnionType):
        return None if data is None else _first_that_fits(data, arguments, place)
    if origin is tuple:
        return _tuple(_sequence(data, place), arguments[0], place)
    if origin is typing.Literal:
        return _one_of(data, arguments, place)
    if isinstance(hint, type) and issubclass(hint, enum.Flag):
        return _flag(data, hint, place)
    if isinstance(hint, type) and issubclass(hint, Value):
        return from_json(data, hint, place=place)
    return _plain(data, hint, place)


def _first_that_fits(data: Json, hints: Sequence[Any], place: str) -> object:
    problems: list[UsageError] = []
    for hint in hints:
        if hint is type(None):
            continue
        try:
            return decode(data, hint, place)
        except UsageError as problem:
            problems.append(problem)
    raise problems[-1]


def _tuple(items: Sequence[Json], hint: Any, place: str) -> tuple[object, ...]:
    plain = as_it_is(hint)
    if all(type(item) in plain for item in items):
        return tuple(items)
    return tuple(decode(item, hint, f"{place}[{n}]") for n, item in enumerate(items))


def _sequence(data: Json, place: str) -> Sequence[Json]:
    if isinstance(data, list):
        return data
    raise UsageError.at(place, "value", data, "expected a list", mend="put it in [ ]")


def _one_of(data: Json, valid: Sequence[Any], place: str) -> object:
    if data in valid:
        return data
    raise UsageError.at(place, "value", data, "not one of the valid words", valid=[str(word) for word in valid])


def _flag(data: Json, flag: type[enum.Flag], place: str) -> enum.Flag:
    words = _sequence(data, place)
    for word in words:
        if not isinstance(word, str) or word not in _members_of(flag):
            raise UsageError.at(place, "value", word, f"not an {flag.__name__.lower()}", valid=_members_of(flag))
    return _of_words(flag, tuple(cast("Sequence[str]", words)))


@functools.lru_cache(maxsize=1024)
def _of_words(flag: type[enum.Flag], words: tuple[str, ...]) -> enum.Flag:
    return functools.reduce(operator.or_, (_members_of(flag)[word] for word in words), flag(0))


def _plain(data: Json, hint: Any, place: str) -> object:
    if hint is float and fits(data, float):
        return float(cast("float", data))
    if isinstance(data, hint) and not (hint is int and isinstance(data, bool)):
        return data
    words = words_for(hint)
    raise UsageError.at(place, "value", data, f"expected {words}, not {type(data).__name__}", mend=f"write {words}")
