"""PgBouncer's admin console: commands and their answers.

It supports only PostgreSQL's simple queries, for which asyncpg returns no rows. Over its Unix socket it admits its own
user without a password.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Mapping, Sequence
from typing import Final

from harness.errors import HarnessError

__all__ = ["Row", "ask"]

Row = Mapping[str, str]
ANSWERS_WITHIN_S = 30.0
_PROTOCOL: Final = 196_608
_STARTUP: Final = b"user\0pgbouncer\0database\0pgbouncer\0\0"


async def ask(path: str, command: str) -> Sequence[Row]:
    """Send one command, such as SHOW POOLS or PAUSE; return the rows of its answer, by their columns.

    Args:
        path: of its Unix socket; one that begins with a NUL is abstract.
        command: as in pgbouncer(1), "Admin console".

    Raises:
        HarnessError: it answers with an error, or closes the connection.
        OSError: it cannot be reached, or has not answered in half a minute (TimeoutError).
    """
    async with asyncio.timeout(ANSWERS_WITHIN_S):
        reader, writer = await asyncio.open_unix_connection(sock=_connected(path))
        try:
            writer.write(struct.pack("!ii", len(_STARTUP) + 8, _PROTOCOL) + _STARTUP)
            await _until_ready(reader, "its own user's login")
            text = command.encode() + b"\0"
            writer.write(b"Q" + struct.pack("!i", len(text) + 4) + text)
            return await _until_ready(reader, command)
        finally:
            writer.close()


def _connected(path: str) -> socket.socket:
    """Connect at once, or not at all, because it is on this machine. uvloop itself does not support abstract paths."""
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connected.connect(path)
    except BaseException:
        connected.close()
        raise
    connected.setblocking(False)
    return connected


async def _until_ready(reader: asyncio.StreamReader, asked: str) -> Sequence[Row]:
    columns: Sequence[str] = ()
    rows: list[Row] = []
    while True:
        try:
            kind, size = struct.unpack("!ci", await reader.readexactly(5))
            body = await reader.readexactly(size - 4)
        except asyncio.IncompleteReadError as error:
            raise HarnessError(f"PgBouncer closed its console instead of an answer to {asked}") from error
        if kind == b"E":
            said = " ".join(part[1:].decode(errors="replace") for part in body.split(b"\0") if part[:1] == b"M")
            raise HarnessError(f"PgBouncer refuses {asked}: {said}")
        if kind == b"T":
            columns = _columns(body)
        elif kind == b"D":
            rows.append(dict(zip(columns, _values(body), strict=True)))
        elif kind == b"Z":
            return rows


def _columns(body: bytes) -> Sequence[str]:
    """The names in a RowDescription: each ends with a NUL, and 18 bytes about the column follow."""
    names, at = [], 2
    for _ in range(struct.unpack_from("!h", body)[0]):
        end = body.index(b"\0", at)
        names.append(body[at:end].decode())
        at = end + 19
    return names


def _values(body: bytes) -> Sequence[str]:
    """The texts in a DataRow. NULL becomes an empty text."""
    texts, at = [], 2
    for _ in range(struct.unpack_from("!h", body)[0]):
        (size,) = struct.unpack_from("!i", body, at)
        at += 4
        texts.append(body[at : at + max(size, 0)].decode())
        at += max(size, 0)
    return texts
