"""HTTP/1.1 to the service under test: one request at a time on each connection."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self, cast

import h11

HOST = "127.0.0.1"
SERVER_FAILED = 500
IDLE_MAX_S = 2.0
"""A connection that was idle for longer is not used again: the service may be about to close it."""

CLOSES_WITHIN_S = 3.0
"""A service that is asked to end the connection does so by then. Most end an idle one after five seconds anyway."""

ENDED_EARLY = "the connection ended before the answer did"
AN_OPEN_CONNECTION = "a connection that is kept open"
AN_END = "the end of the connection"


class UnansweredError(Exception):
    """No whole answer came."""


class NotConnectedError(UnansweredError):
    """No connection was made, so the service never received the request."""


class HungUpError(UnansweredError):
    """The client closed the connection after a part of the request, as it was to."""


class BrokenOffError(UnansweredError):
    """The connection ended before the answer did: the service may have received the request."""


class Request(Protocol):
    """What to send: the target's `OutgoingRequest` is one, and `Get`."""

    @property
    def method(self) -> str:
        """For example `POST`."""
        ...

    @property
    def path(self) -> str:
        """It begins with `/`."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Without `host` and `content-length`: the client adds those."""
        ...

    @property
    def body(self) -> bytes:
        """Empty where there is none."""
        ...

    @property
    def trailers(self) -> Mapping[str, str]:
        """Headers behind the body; only with `is_chunked`."""
        ...

    @property
    def is_chunked(self) -> bool:
        """Whether the body is sent in chunks, without saying its length before."""
        ...

    @property
    def asks_to_close(self) -> bool:
        """Whether the service owes the end of the connection after its answer."""
        ...

    @property
    def pause_s(self) -> float:
        """How long the client waits before it sends anything, in the middle of the head and in that of the body."""
        ...

    @property
    def sent_bytes(self) -> int | None:
        """Nothing follows its first so many bytes; None: it is sent whole."""
        ...

    @property
    def hangs_up(self) -> bool:
        """Whether the client closes the connection then."""
        ...


@dataclass(frozen=True, slots=True)
class Get:
    """A GET that has the service close the connection: no open one is left that counts as a client's."""

    path: str
    method: str = field(default="GET", init=False)
    headers: Mapping[str, str] = field(default_factory=lambda: {"connection": "close"}, init=False)
    body: bytes = field(default=b"", init=False)
    trailers: Mapping[str, str] = field(default_factory=dict, init=False)
    is_chunked: bool = field(default=False, init=False)
    asks_to_close: bool = field(default=False, init=False)  # nobody waits for that
    pause_s: float = field(default=0.0, init=False)
    sent_bytes: int | None = field(default=None, init=False)
    hangs_up: bool = field(default=False, init=False)


@dataclass(frozen=True, slots=True)
class Response:
    """A complete answer: status, body, and headers with their names in lower case.

    `lacks`: what the service owed beyond it: to end the connection, or to have kept it for this request.
    """

    status: int
    body: bytes
    headers: Sequence[tuple[str, str]] = ()
    lacks: tuple[str, ...] = ()

    @property
    def is_success(self) -> bool:
        """Whether its status is a 2xx."""
        return self.status // 100 == 2

    @property
    def text(self) -> str:
        """The body as UTF-8; what is none is replaced."""
        return self.body.decode("utf-8", "replace")


class HttpClient:
    """Sends requests to one service on this machine. Use it as an async context manager.

    `keep_alive`: a connection whose request was answered is used for a later one, too. That is faster, and right
    for a sweep, which sends tens of thousands of requests one after the other. Without it each request has a
    connection of its own, so that no request of a scenario can disturb another.
    """

    def __init__(self, *, keep_alive: bool) -> None:
        self._keep_alive = keep_alive
        self._idle: list[_Connection] = []
        self._open: set[_Connection] = set()

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
        """Send a GET on a connection of its own; return its answer. Raises UnansweredError and TimeoutError."""
        async with asyncio.timeout(within_s):
            return await self.request(port, Get(path))

    async def request(
        self, port: int, outgoing: Request, *, connected: Callable[[int], None] = lambda _: None
    ) -> Response:
        """Send a request and return its answer, however long that takes.

        Cancelled, it closes the connection, and ends when the socket is closed. `connected`: called with the client's
        own port. Raises NotConnectedError, BrokenOffError and HungUpError.
        """
        given_up = self._given_up(port)
        connection = self._reusable(port) or await self._connected(port)
        connected(connection.own_port)
        try:
            response = await connection.exchange(outgoing)
            if _owes_an_end(outgoing):
                await asyncio.wait([connection.lost], timeout=CLOSES_WITHIN_S)
        except asyncio.CancelledError:
            connection.close()
            await asyncio.wait([connection.lost])
            raise
        finally:
            # A server that has failed may close the connection right after its answer without saying so.
            failed = connection.status >= SERVER_FAILED
            whole = outgoing.sent_bytes is None
            if self._keep_alive and connection.reusable and not failed and whole:
                self._idle.append(connection)
            else:
                connection.close()
        left_open = _owes_an_end(outgoing) and not connection.lost.done()
        lacks = (*([AN_OPEN_CONNECTION] if given_up else []), *([AN_END] if left_open else []))
        return dataclasses.replace(response, lacks=lacks)

    def _given_up(self, port: int) -> bool:
        """Whether the service has ended a connection that it had said nothing against using again."""
        return any(each.port == port and each.ended and each.idle_s < IDLE_MAX_S for each in self._idle)

    def _reusable(self, port: int) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.port == port and connection.reusable and connection.idle_s < IDLE_MAX_S:
                return connection
            connection.close()
        return None

    async def _connected(self, port: int) -> _Connection:
        try:
            _, connection = await asyncio.get_running_loop().create_connection(lambda: _Connection(port), HOST, port)
        except OSError as problem:
            raise NotConnectedError(repr(problem)) from problem
        self._open.add(connection)
        connection.lost.add_done_callback(lambda _: self._open.discard(connection))
        return connection


class _Connection(asyncio.Protocol):
    """One connection. `status`: of its last answer, 0 before the first. `lost`: done when the connection has ended.

    `port`: the service's. `own_port`: the client's.
    """

    def __init__(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        self.port = port
        self.own_port = 0
        self.status = 0
        self.lost: asyncio.Future[None] = loop.create_future()
        self._http = h11.Connection(h11.CLIENT)
        self._headers: Sequence[tuple[str, str]] = ()
        self._body = bytearray()
        self._answer: asyncio.Future[Response] | None = None
        self._transport: asyncio.Transport | None = None
        self._used_s = 0.0
        self._at_end = False

    @property
    def reusable(self) -> bool:
        """Whether it is open and has no request under way."""
        idle = self._http.our_state is h11.IDLE and self._http.their_state is h11.IDLE
        return idle and not self._at_end and not self.lost.done()

    @property
    def ended(self) -> bool:
        """Whether the service has ended it, or it broke."""
        return self._at_end or self.lost.done()

    @property
    def idle_s(self) -> float:
        """Return how many seconds have passed since its last answer."""
        return time.monotonic() - self._used_s

    async def exchange(self, outgoing: Request) -> Response:
        """Send a request and return its answer. Raises BrokenOffError, and HungUpError for one that hangs up."""
        self._answer = asyncio.get_running_loop().create_future()
        self._body.clear()
        if self._transport is None or self.lost.done():
            raise BrokenOffError("the connection ended before the request was sent")
        left = outgoing.sent_bytes
        for part in _with_pauses(self._parts_of(outgoing), outgoing.pause_s):
            if outgoing.pause_s:
                await asyncio.wait([self._answer], timeout=outgoing.pause_s)
            if self._answer.done():
                break  # it came before the request was whole
            self._transport.write(part[:left])
            left = None if left is None else max(0, left - len(part))
        if outgoing.hangs_up:
            self._answer.cancel()
            raise HungUpError
        return await self._answer

    def _parts_of(self, outgoing: Request) -> Sequence[bytes]:
        """The head, and the rest."""
        own = [("host", f"{HOST}:{self.port}")]
        if not outgoing.is_chunked:
            own.append(("content-length", str(len(outgoing.body))))
        head = h11.Request(method=outgoing.method, target=outgoing.path, headers=[*own, *outgoing.headers.items()])
        events = (h11.Data(data=outgoing.body), h11.EndOfMessage(headers=[*outgoing.trailers.items()]))
        return (self._http.send(head) or b"", b"".join(self._http.send(event) or b"" for event in events))

    def close(self) -> None:
        """Close it at once and discard what was not sent yet. `lost` is done when the connection has ended."""
        if self._transport is not None:
            self._transport.abort()

    # ------------------------------------------------------------------ called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open."""
        self._transport = cast("asyncio.Transport", transport)  # as asyncio gives to every stream's protocol
        self.own_port = transport.get_extra_info("sockname")[1]

    def data_received(self, data: bytes) -> None:
        """Take in a part of an answer; an empty one is the end of what the service sends."""
        self._http.receive_data(data)
        try:
            while self._take(self._http.next_event()):
                pass
        except h11.RemoteProtocolError as problem:
            self._break_off(repr(problem))

    def _take(self, event: object) -> bool:
        """Handle one event. Return whether another may follow."""
        if isinstance(event, h11.Response):
            self.status = event.status_code
            self._headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers]
        elif isinstance(event, h11.Data):
            self._body += event.data
        elif isinstance(event, h11.EndOfMessage):
            self._answered()
        elif isinstance(event, h11.ConnectionClosed):
            self._break_off(ENDED_EARLY)
        return isinstance(event, h11.InformationalResponse | h11.Response | h11.Data)

    def _answered(self) -> None:
        self._used_s = time.monotonic()
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Response(self.status, bytes(self._body), self._headers))

    def _break_off(self, problem: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(BrokenOffError(problem))

    def eof_received(self) -> None:
        """Handle the end of what the service sends."""
        self._at_end = True
        self.data_received(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._break_off(ENDED_EARLY if exc is None else repr(exc))
        self.lost.set_result(None)


def _owes_an_end(outgoing: Request) -> bool:
    """Whether the service has to end the connection after its answer: else the rest would pass for a next request."""
    return outgoing.asks_to_close or outgoing.sent_bytes is not None


def _with_pauses(parts: Sequence[bytes], pause_s: float) -> Sequence[bytes]:
    """What is sent at once, each: all of it, or half a head, the other half with half a body, and what is left."""
    if not pause_s:
        return [b"".join(parts)]
    head, rest = parts
    in_head, in_rest = len(head) // 2, len(rest) // 2
    return [head[:in_head], head[in_head:] + rest[:in_rest], rest[in_rest:]]
