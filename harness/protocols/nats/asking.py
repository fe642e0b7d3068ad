"""The harness's own NATS client: it logs in, asks, and reads one answer. A client library would be a dependency."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from harness.protocols.contract.access import ADMIN_TIMEOUT_S, OWN_NAME
from harness.protocols.contract.probes import ANSWERED_WITHIN_S
from harness.protocols.nats.wire.framing import sizes

__all__ = ["Asking", "NatsError", "asking", "version_of"]

INBOX: Final = "_INBOX.harness"
LOGGED_IN: Final = b"PONG\r\n"
REFUSED: Final = b"-ERR "
LINE_MAX: Final = 1 << 20
NO_RESPONDERS: Final = b"NATS/1.0 503"


class NatsError(Exception):
    """The server refuses the login or the request."""


@dataclass(frozen=True, slots=True)
class Login:
    """Where to connect, and what to say first."""

    address: tuple[str, int]
    said: bytes

    @classmethod
    def of(cls, url: str) -> Login:
        """Parse a URL with a port, and perhaps with a user and a password."""
        parts = urlsplit(url)
        words: dict[str, object] = {"verbose": False, "pedantic": False, "name": OWN_NAME, "lang": "python"}
        words |= {"version": "1", "headers": True, "no_responders": True}
        if parts.username is not None:
            words |= {"user": unquote(parts.username), "pass": unquote(parts.password or "")}
        return cls((parts.hostname or "", parts.port or 0), f"CONNECT {json.dumps(words)}\r\nPING\r\n".encode())


class Asking:
    """One connection that is logged in. Made by `asking`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._count = 0

    async def ask(self, subject: str, body: bytes = b"") -> bytes:
        """Publish with a reply subject, and return the body of the first message to that subject.

        Raises NatsError with the server's words, TimeoutError if none comes, OSError if the connection ends.
        """
        self._count += 1
        reply, number = f"{INBOX}.{self._count}", self._count
        subscribed = f"SUB {reply} {number}\r\nUNSUB {number} 1\r\n"
        self._writer.write(f"{subscribed}PUB {subject} {reply} {len(body)}\r\n".encode() + body + b"\r\n")
        async with asyncio.timeout(ANSWERED_WITHIN_S):
            while True:
                line = await self._line()
                if not line.startswith((b"MSG ", b"HMSG ")):
                    continue
                head, whole = ([0, *sizes(line)])[-2:]
                body = await self._reader.readexactly(whole + 2)
                if body[:head].startswith(NO_RESPONDERS):
                    raise NatsError(f"no responder answers {subject}")
                return body[head:-2]

    async def log_in(self, login: Login) -> None:
        """Read the greeting and log in. Raises NatsError if the server refuses."""
        async with asyncio.timeout(ADMIN_TIMEOUT_S):
            await self._line()
            self._writer.write(login.said)
            while await self._line() != LOGGED_IN:
                pass

    async def _line(self) -> bytes:
        """The next line that is not a PING; PINGs are answered."""
        while True:
            line = await self._reader.readline()
            if line == b"PING\r\n":
                self._writer.write(b"PONG\r\n")
            elif line.startswith(REFUSED):
                raise NatsError(_reason(line))
            elif not line.endswith(b"\n"):
                raise ConnectionResetError("the server has ended the connection")
            else:
                return line


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[Asking]:
    """Log in for as long as the block lasts."""
    login = Login.of(url)
    async with asyncio.timeout(ADMIN_TIMEOUT_S):
        reader, writer = await asyncio.open_connection(*login.address, limit=LINE_MAX)
    try:
        connection = Asking(reader, writer)
        await connection.log_in(login)
        yield connection
    finally:
        writer.close()


def version_of(url: str) -> str:
    """Log in, and return the server's version. It blocks: the stack has no event loop.

    Raises NatsError if the server refuses, OSError if it does not answer, ValueError if it is not NATS.
    """
    login = Login.of(url)
    with socket.create_connection(login.address, ADMIN_TIMEOUT_S) as connection, connection.makefile("rb") as answers:
        greeting: dict[str, object] = json.loads(answers.readline(LINE_MAX).removeprefix(b"INFO "))
        connection.sendall(login.said)
        while (line := answers.readline(LINE_MAX)) != LOGGED_IN:
            if not line or line.startswith(REFUSED):
                raise NatsError(_reason(line))
    return str(greeting.get("version"))


def _reason(line: bytes) -> str:
    return line.removeprefix(REFUSED).decode("utf-8", "replace").strip(" '\r\n") or "the server ended the connection"
