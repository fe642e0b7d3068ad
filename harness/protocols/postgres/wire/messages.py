"""The contents of PostgreSQL's messages. If a head is cut, its missing fields are left out."""

from __future__ import annotations

import re
import struct
import uuid
from typing import Final, NamedTuple

from harness.protocols.postgres.wire.sql import statements

__all__ = [
    "bound", "commits", "described", "error_code", "error_text", "executed", "function_called", "is_last_word",
    "parsed", "queried",
]  # fmt: skip

BODY: Final = 5  # where it begins, after type and length
_INT16 = struct.Struct(">H")
_INT32 = struct.Struct(">i")
BIGINT_BYTES: Final = 8
UUID_BYTES: Final = 16
_COMMITS = re.compile(r"(?:COMMIT|END|PREPARE\s+TRANSACTION)\b", re.IGNORECASE)


class Bound(NamedTuple):
    """A Bind: NULL is b"". A value that may be a binary number or UUID is also included as text."""

    portal: str
    statement: str
    values: tuple[bytes, ...]


def commits(sql: str) -> bool:
    """Whether one of the statements commits its transaction, or prepares that (PREPARE TRANSACTION)."""
    return any(_COMMITS.match(each) for each in statements(sql))


def queried(head: bytearray) -> str:
    """Return the SQL of a Query."""
    return _string(head, BODY)[0]


def parsed(head: bytearray) -> tuple[str, str]:
    """Return the name of the prepared statement and the SQL of a Parse."""
    name, position = _string(head, BODY)
    return name, _string(head, position)[0]


def bound(head: bytearray) -> Bound:
    """Return a Bind's portal, statement and values."""
    portal, position = _string(head, BODY)
    statement, position = _string(head, position)
    try:
        position += 2 + 2 * _INT16.unpack_from(head, position)[0]  # the formats
        return Bound(portal, statement, _values(head, position))
    except struct.error:  # the names filled the head
        return Bound(portal, statement, ())


def described(head: bytearray) -> tuple[str, str]:
    """Return "S" (prepared statement) or "P" (portal) and its name, of a Describe or a Close."""
    return chr(head[BODY]) if len(head) > BODY else "", _string(head, BODY + 1)[0]


def executed(head: bytearray) -> str:
    """Return the name of the portal of an Execute."""
    return _string(head, BODY)[0]


def function_called(head: bytearray) -> str:
    """Return "function OID" of a FunctionCall."""
    return f"function {_INT32.unpack_from(head, BODY)[0]}" if len(head) >= BODY + 4 else ""


def is_last_word(head: bytearray) -> bool:
    """Whether the server closes the connection after this ErrorResponse (severity FATAL or PANIC)."""
    return head.startswith((b"SFATAL\0", b"SPANIC\0"), BODY) or b"\0VFATAL\0" in head or b"\0VPANIC\0" in head


def error_code(head: bytearray) -> str:
    """Return the SQLSTATE of an ErrorResponse."""
    return _field(head, "C")


def error_text(head: bytearray) -> str:
    """Return the primary message of an ErrorResponse."""
    return _field(head, "M")


def _field(head: bytearray, letter: str) -> str:
    position = BODY
    while position < len(head) and head[position]:
        kind, (value, position) = head[position], _string(head, position + 1)
        if kind == ord(letter):
            return value
    return ""


def _string(head: bytearray, begin: int) -> tuple[str, int]:
    end = head.find(0, begin)
    if end < 0:
        return head[begin:].decode("utf-8", "replace"), len(head)
    return head[begin:end].decode("utf-8", "replace"), end + 1


def _values(head: bytearray, position: int) -> tuple[bytes, ...]:
    values: list[bytes] = []
    count = _INT16.unpack_from(head, position)[0]
    position += 2
    while len(values) < count and position + 4 <= len(head):
        length = max(0, _INT32.unpack_from(head, position)[0])
        position += 4
        values.append(bytes(head[position : position + length]))
        position += length
    return (*values, *filter(None, map(_as_text, values)))


def _as_text(value: bytes) -> bytes:
    """A bigint or a UUID in its binary form, as text; nothing for a value of another size."""
    if len(value) == BIGINT_BYTES:
        return str(int.from_bytes(value, signed=True)).encode()
    return str(uuid.UUID(bytes=value)).encode() if len(value) == UUID_BYTES else b""
