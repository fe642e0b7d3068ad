"""The messages about wrong settings: the variable, its value, and what is valid."""

import difflib
import types
import typing
from collections.abc import Mapping, Sequence

from pydantic import ValidationError
from pydantic.fields import FieldInfo

PREFIX = "WEBHOOK_"
HIDDEN = frozenset({"database_url", "redis_url", "replica_url", "secrets", "source_secrets"})
"""Their values may contain passwords, which no message repeats."""


class SettingsError(Exception):
    """The environment does not describe a service; one line for each problem."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("The webhook service's settings are wrong:\n" + "\n".join(f"  {line}" for line in problems))
        self.problems = tuple(problems)


def variable_of(name: str, field: FieldInfo) -> str:
    """Return the environment variable of a field."""
    alias = field.validation_alias
    return alias if isinstance(alias, str) else PREFIX + name.upper()


def unknown_variables(environment: Mapping[str, str], fields: Mapping[str, FieldInfo]) -> list[str]:
    """Report each WEBHOOK_ variable that no setting has: a typing error must not select the default."""
    known = [variable_of(name, field) for name, field in fields.items()]
    unknown = sorted(name for name in environment if name.upper().startswith(PREFIX) and name.upper() not in known)
    return [_unknown(name, known) for name in unknown]


def _unknown(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else "unset it."
    return f"{name}: there is no such setting; {hint} (webhook/README.md lists them)"


def explain(error: ValidationError, fields: Mapping[str, FieldInfo]) -> list[str]:
    """Turn a validation error into one line for each wrong setting."""
    by_alias = {variable_of(name, field): name for name, field in fields.items()}
    lines = []
    for problem in error.errors(include_url=False):
        place = str(problem["loc"][0]) if problem["loc"] else ""
        name = by_alias.get(place, place)
        message = problem["msg"].removeprefix("Value error, ")
        if name not in fields:
            lines.append(message)
        elif problem["type"] == "missing":
            lines.append(f"{variable_of(name, fields[name])} is not set; valid: {valid_values(name, fields[name])}")
        else:
            value = "(not shown)" if name in HIDDEN else repr(problem["input"])
            field = fields[name]
            lines.append(f"{variable_of(name, field)}={value}: {message}; valid: {valid_values(name, field)}")
    return lines


def valid_values(name: str, field: FieldInfo) -> str:
    """Say in words what a setting takes."""
    special = {
        "database_url": "postgresql://USER:PASSWORD@HOST:PORT/DATABASE (TLS: ?sslmode=verify-full&sslrootcert=FILE)",
        "replica_url": "postgresql://USER:PASSWORD@HOST:PORT/DATABASE, or empty: there is none",
        "redis_sentinels": "HOST:PORT, several separated by commas, or empty: there are none",
        "redis_url": "redis://HOST:PORT/DB (or rediss://, unix://)",
        "secrets": "whsec_BASE64, several separated by commas",
        "source_secrets": "SOURCE:whsec_BASE64, several separated by commas, also for one source",
    }
    return special.get(name) or _described(field.annotation, field)


def _described(annotation: object, field: FieldInfo) -> str:
    if annotation is bool:
        return "on, off"
    if typing.get_origin(annotation) is typing.Literal:
        return ", ".join(map(str, typing.get_args(annotation)))
    bounds = _bounds(field.metadata)
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        return f"a number of seconds above 0, or none (default {field.default})"
    kind = {int: "a whole number", float: "a number", str: "text"}.get(typing.cast("type", annotation), "a value")
    return f"{kind}{bounds} (default {field.default})"


def _bounds(metadata: Sequence[object]) -> str:
    words = {"gt": "above", "ge": "from", "le": "up to"}
    parts = [
        f"{word} {getattr(rule, name):g}"
        for name, word in words.items()
        for rule in metadata
        if getattr(rule, name, None) is not None
    ]
    return f" {', '.join(parts)}" if parts else ""
