"""PostgreSQL's messages as bytes, for hand-made exchanges."""

from __future__ import annotations

import struct
from collections.abc import Sequence

SSL_REQUEST = struct.pack(">II", 8, 80877103)
GSSENC_REQUEST = struct.pack(">II", 8, 80877104)


def typed(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack(">I", len(body) + 4) + body


def startup(minor: int = 0, parameters: bytes = b"user\0a\0") -> bytes:
    return struct.pack(">IHH", 8 + len(parameters) + 1, 3, minor) + parameters + b"\0"


def cancel(key: bytes = b"\0\0\0\1") -> bytes:
    return struct.pack(">III", 12 + len(key), 80877102, 4711) + key


def query(sql: str) -> bytes:
    return typed(b"Q", sql.encode() + b"\0")


def parse(name: str, sql: str) -> bytes:
    return typed(b"P", name.encode() + b"\0" + sql.encode() + b"\0\0\0")


def bind(portal: str, statement: str, values: Sequence[bytes | None] = (), formats: int = 1) -> bytes:
    body = f"{portal}\0{statement}\0".encode() + struct.pack(">H", formats) + b"\0\1" * formats
    body += struct.pack(">H", len(values))
    for value in values:
        body += struct.pack(">i", -1) if value is None else struct.pack(">i", len(value)) + value
    return typed(b"B", body + b"\0\1\0\1")


def describe(kind: str, name: str = "") -> bytes:
    return typed(b"D", f"{kind}{name}\0".encode())


def close(kind: str, name: str = "") -> bytes:
    return typed(b"C", f"{kind}{name}\0".encode())


def execute(portal: str = "") -> bytes:
    return typed(b"E", portal.encode() + b"\0" + b"\0\0\0\0")


def authentication(code: int, more: bytes = b"") -> bytes:
    return typed(b"R", struct.pack(">I", code) + more)


def error(sqlstate: str = "42601", severity: str = "ERROR") -> bytes:
    return typed(b"E", f"S{severity}\0V{severity}\0C{sqlstate}\0Mno\0\0".encode())


def complete(tag: str) -> bytes:
    return typed(b"C", tag.encode() + b"\0")


SYNC, FLUSH, TERMINATE = typed(b"S"), typed(b"H"), typed(b"X")
PARSED, BOUND, CLOSED = typed(b"1"), typed(b"2"), typed(b"3")
NO_DATA, PARAMETERS, ROWS = typed(b"n"), typed(b"t", b"\0\0"), typed(b"T", b"\0\0")
ROW = typed(b"D", b"\0\1\0\0\0\1x")
READY, READY_IN_TRANSACTION, READY_FAILED = typed(b"Z", b"I"), typed(b"Z", b"T"), typed(b"Z", b"E")
COPY_IN, COPY_OUT, COPY_BOTH = typed(b"G", b"\0\0\0"), typed(b"H", b"\0\0\0"), typed(b"W", b"\0\0\0")
COPY_DATA, COPY_DONE, COPY_FAIL = typed(b"d", b"row\n"), typed(b"c"), typed(b"f", b"no\0")
NOTIFICATION = typed(b"A", b"\0\0\0\1channel\0payload\0")
NOTICE = typed(b"N", b"SNOTICE\0VNOTICE\0\0")
PARAMETER = typed(b"S", b"TimeZone\0UTC\0")
OK = authentication(0) + READY
