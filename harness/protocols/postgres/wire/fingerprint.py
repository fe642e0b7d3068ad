"""The shape of an SQL statement: the same for every delivery, different for different work."""

from __future__ import annotations

import re

from harness.protocols.postgres.wire.sql import TOKEN

__all__ = ["shape_of"]

# The type that a driver writes behind a parameter is part of its element.
_ELEMENT = r"\?(?:::[\w\"]+(?:\s?\([?, ]*\))?(?:\[\])*)?"
_LIST = re.compile(rf"({_ELEMENT})(?:\s?,\s?{_ELEMENT})+")
_ROWS = re.compile(rf"(\(\s?{_ELEMENT}\s?\))(?:\s?,\s?\(\s?{_ELEMENT}\s?\))+")


def shape_of(text: str) -> str:
    """Return the SQL with its white space collapsed, without comments, and with ? for each value or list of values."""
    shape = " ".join("".join(map(_token, TOKEN.finditer(text))).split()).rstrip(" ;")
    return _ROWS.sub(r"\1", _LIST.sub(r"\1", shape))


def _token(token: re.Match[str]) -> str:
    match token.lastgroup:
        case "literal" | "parameter" | "number":
            return "?"
        case "comment" | "space":
            return " "
    return token.group()
