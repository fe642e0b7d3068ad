"""PgBouncer's console: rows, NULLs and errors, as its simple queries give them."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.protocols.postgres.pooling.console import Row, ask

READY = b"Z\0\0\0\5I"
LOGGED_IN = b"R\0\0\0\x08\0\0\0\0" + READY


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def columns(*names: str) -> bytes:
    return message(b"T", struct.pack("!h", len(names)) + b"".join(name.encode() + b"\0" + bytes(18) for name in names))


def row(*texts: str | None) -> bytes:
    each = (struct.pack("!i", -1) if text is None else struct.pack("!i", len(text)) + text.encode() for text in texts)
    return message(b"D", struct.pack("!h", len(texts)) + b"".join(each))


def asked(tmp_path: Path, *answers: bytes) -> Sequence[Row]:
    """What a console that gives these answers is understood to say."""

    async def play() -> Sequence[Row]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            (size,) = struct.unpack("!i", await reader.readexactly(4))
            await reader.readexactly(size - 4)
            writer.write(LOGGED_IN)
            _, size = struct.unpack("!ci", await reader.readexactly(5))
            assert await reader.readexactly(size - 4) == b"SHOW POOLS\0"
            writer.write(b"".join(answers))
            writer.close()

        path = str(tmp_path / "console")
        async with await asyncio.start_unix_server(serve, path):
            return await ask(path, "SHOW POOLS")

    return asyncio.run(play())


def test_rows_have_the_names_of_their_columns(tmp_path: Path) -> None:
    found = asked(tmp_path, columns("database", "cl_waiting"), row("shop", "3"), row(None, ""), READY)
    assert found == [{"database": "shop", "cl_waiting": "3"}, {"database": "", "cl_waiting": ""}]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda: message(b"E", b"SERROR\0C08P01\0Mno such command\0\0") + READY, "refuses SHOW POOLS: no such command"),
        (lambda: columns("database")[:9], "closed its console instead of an answer to SHOW POOLS"),
    ],
    ids=["error", "closed"],
)
def test_what_is_no_answer_is_told(tmp_path: Path, answer: Callable[[], bytes], told: str) -> None:
    with pytest.raises(HarnessError, match=told):
        asked(tmp_path, answer())
