"""HTTP/1.1 to the service under test: one request at a time on each connection."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from types import TracebackType
from typing import Self

from harness.stack.http.connection import ENDED_EARLY, HOST, Connection
from harness.stack.http.exchange import (
    BrokenOffError,
    Get,
    HungUpError,
    NotConnectedError,
    Request,
    Response,
    UnansweredError,
)
from harness.stack.http.owed import AN_END, lacking

__all__ = [
    "AN_END",
    "AN_OPEN_CONNECTION",
    "ENDED_EARLY",
    "HOST",
    "BrokenOffError",
    "Get",
    "HttpClient",
    "HungUpError",
    "NotConnectedError",
    "Request",
    "Response",
    "UnansweredError",
]

SERVER_FAILED = 500
IDLE_MAX_S = 2.0
"""A connection that was idle for longer is not used again: the service may be about to close it."""
AN_OPEN_CONNECTION = "a connection that is kept open"


class HttpClient:
    """Sends requests to one service on this machine. Use it as an async context manager.

    `keep_alive`: a connection whose request was answered is used for a later one, too. That is faster, and right
    for a sweep, which sends tens of thousands of requests one after the other. Without it each request has its own
    connection, so that a scenario's requests cannot disturb each other.
    """

    def __init__(self, *, keep_alive: bool, host: str = HOST) -> None:
        self._keep_alive = keep_alive
        self._host = host
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in self._open:
            connection.close()
        if self._open:
            await asyncio.wait([connection.lost for connection in self._open])

    async def get(self, port: int, path: str, *, within_s: float) -> Response:
        """Send a GET on a separate connection; return its answer. Raises UnansweredError and TimeoutError."""
        async with asyncio.timeout(within_s):
            return await self.request(port, Get(path))

    async def request(
        self, port: int, outgoing: Request, *, connected: Callable[[int], None] = lambda _: None
    ) -> Response:
        """Send a request and return its answer, without a limit of time.

        If it is cancelled, it closes the connection, and ends when the socket is closed. `connected`: called with the
        client's own port. Raises NotConnectedError, BrokenOffError and HungUpError.
        """
        given_up = self._given_up(port)
        connection = self._reusable(port) or await self._connected(port)
        connected(connection.own_port)
        try:
            response = await connection.exchange(outgoing)
            lacks = await lacking(connection, outgoing, response)
        except asyncio.CancelledError:
            connection.close()
            await asyncio.wait([connection.lost])
            raise
        finally:
            # A server that has failed may close the connection right after its answer without saying so.
            failed = connection.status >= SERVER_FAILED
            stays = connection.status > 0 and outgoing.then is not None and outgoing.then.stays
            whole = outgoing.sent_bytes is None and outgoing.then is None
            if self._keep_alive and connection.reusable and not failed and whole:
                self._idle.append(connection)
            elif not stays:
                connection.close()
        return dataclasses.replace(response, lacks=(*([AN_OPEN_CONNECTION] if given_up else []), *lacks))

    def _given_up(self, port: int) -> bool:
        """Whether the service has ended a connection although it had not announced that."""
        return any(each.port == port and each.ended and each.idle_s < IDLE_MAX_S for each in self._idle)

    def _reusable(self, port: int) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.port == port and connection.reusable and connection.idle_s < IDLE_MAX_S:
                return connection
            connection.close()
        return None

    async def _connected(self, port: int) -> Connection:
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: Connection(port), self._host, port
            )
        except OSError as problem:
            raise NotConnectedError(repr(problem)) from problem
        self._open.add(connection)
        connection.lost.add_done_callback(lambda _: self._open.discard(connection))
        return connection
