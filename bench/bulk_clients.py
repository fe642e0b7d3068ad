"""Clients for large payloads that need little CPU themselves."""

from __future__ import annotations

import select
import socket
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import asyncpg

from bench.crossings import url_at
from bench.ways import Crossing
from harness.addresses import HostPort
from harness.errors import HarnessError
from harness.protocols.postgres.server import PostgresServer

WITHIN_S = 120.0
RECEIVE_BYTES = 1 << 20


class Session:
    """A session of PostgreSQL by one way. Its rows are stored as they are: nothing is compressed."""

    def __init__(self, place: Crossing, address: HostPort, sizes: list[int], owned: ExitStack) -> None:
        self._runner = place.runner
        self._session = self._runner.run(asyncpg.connect(url_at(place.stack.of(PostgresServer).url(), address)))
        owned.callback(lambda: self._runner.run(self._session.close()))
        self._runner.run(self._fill(sizes))

    async def _fill(self, sizes: list[int]) -> None:
        await self._session.execute(
            "CREATE TEMPORARY TABLE payloads (size int PRIMARY KEY, body bytea);"
            "ALTER TABLE payloads ALTER COLUMN body SET STORAGE EXTERNAL"
        )
        for size in sizes:
            await self._session.execute("INSERT INTO payloads VALUES ($1, $2)", size, bytes(size))

    def send(self, payload: bytes, times: int) -> None:
        """Send it as a parameter, this many times."""
        self._runner.run(self._each(times, "SELECT octet_length($1::bytea)", payload))

    def receive(self, size: int, times: int) -> None:
        """Get a row of that size, this many times."""
        self._runner.run(self._each(times, "SELECT body FROM payloads WHERE size = $1", size))

    async def _each(self, times: int, sql: str, argument: object) -> None:
        for _ in range(times):
            await self._session.fetchval(sql, argument)


class RedisLine:
    """A bare connection to Redis: the measurement would mostly show a client library's parser."""

    def __init__(self, address: HostPort) -> None:
        self._socket = socket.create_connection((address.host, address.port), timeout=WITHIN_S)
        self._buffer = bytearray(RECEIVE_BYTES)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def set(self, payload: bytes, times: int) -> None:
        """Store it under a key of its size, this many times."""
        key = b"payload:%d" % len(payload)
        head = b"*3\r\n$3\r\nSET\r\n$%d\r\n%b\r\n$%d\r\n" % (len(key), key, len(payload))
        request = head + payload + b"\r\n"
        for _ in range(times):
            self._socket.sendall(request)
            self._receive(len(b"+OK\r\n"))

    def get(self, size: int, times: int) -> None:
        """Get it, this many times."""
        for _ in range(times):
            self._socket.sendall(_get(size))
            self._receive(_answer_bytes(size))

    def get_at_once(self, size: int, times: int) -> None:
        """Ask for it this many times, and only then start to read."""
        self._socket.sendall(_get(size) * times)
        self._receive(_answer_bytes(size) * times)

    @property
    def has_unread(self) -> bool:
        """Whether there are bytes that no request asked for."""
        return bool(select.select([self._socket], [], [], 0)[0])

    def _receive(self, wanted: int) -> None:
        while wanted:
            received = self._socket.recv_into(self._buffer, min(wanted, RECEIVE_BYTES))
            if not received:
                raise HarnessError("a connection to Redis ended in the middle of an answer")
            wanted -= received


def _get(size: int) -> bytes:
    key = b"payload:%d" % size
    return b"*2\r\n$3\r\nGET\r\n$%d\r\n%b\r\n" % (len(key), key)


def _answer_bytes(size: int) -> int:
    return len(b"$%d\r\n" % size) + size + len(b"\r\n")
