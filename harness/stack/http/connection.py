"""One connection to the service under test, and how the client behaves on it."""

from __future__ import annotations

import asyncio
import fcntl
import math
import socket
import struct
import termios
import time
from collections.abc import Sequence
from typing import Any, cast

import h11

from harness.stack.http.exchange import BrokenOffError, Get, HungUpError, Request, Response

HOST = "127.0.0.1"
ENDED_EARLY = "the connection ended before the answer did"
ASKS_FIRST_S = 1.0
"""A client that waits for `100 Continue` sends the body after this time, because not every service answers that."""
TAKEN_WITHIN_S = 3.0
"""The time in which a service must accept a client's next bytes. Then the client gives up."""
PIECE_BYTES = 1 << 16
NONSENSE = b"\0\1 this is no HTTP\r\n\r\n"
SUCCESS = 2
CLOSED = 7
"""TCP's state, as the kernel tells it, of a socket that was reset."""


class Connection(asyncio.Protocol):
    """One connection. `status`: the last answer's, 0 before the first. `lost`: done when the connection has ended.

    `port`: the service's. `own_port`: the client's. `at_end`: the service has announced that it sends no more.
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
        self.at_end = False
        self._wanted = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._goes_on = False
        self._left = b""
        self._was_reset = False
        self._answers = 0
        self._unanswered: list[Request] = []
        self._ahead_statuses: list[int] = []
        self._piece_s = 0.0
        self._paused_s = 0.0

    @property
    def reusable(self) -> bool:
        """Whether it is open and has no open request."""
        idle = self._http.our_state is h11.IDLE and self._http.their_state is h11.IDLE
        return idle and not self.at_end and not self.lost.done()

    @property
    def ended(self) -> bool:
        """Whether the service has ended it, or it broke."""
        return self.at_end or self.lost.done()

    @property
    def idle_s(self) -> float:
        """Return how many seconds have passed since its last request was sent.

        Not since its answer: on a busy machine that waits for this process, and the service counts from sending it.
        """
        return time.monotonic() - self._used_s

    async def exchange(self, outgoing: Request) -> Response:
        """Send a request and return its answer. Raises BrokenOffError, and HungUpError for one that hangs up."""
        answer = self._expect_answer()
        self._goes_on = outgoing.then is not None
        head, rest = self._begun(outgoing)
        if outgoing.asks_first and await self._is_refused_by(head, answer):
            return answer.result()
        await self._send((b"" if outgoing.asks_first else head, rest), outgoing, answer)
        if outgoing.hangs_up:
            answer.cancel()
            raise HungUpError
        return await answer

    async def ask(self, path: str, *, nonsense: bool = False) -> Response:
        """Ask for this path over the same connection, or send bytes that are not HTTP. Raises BrokenOffError."""
        if not nonsense:
            return await self.exchange(Get(path))
        answer = self._expect_answer()
        self._parts_of(Get(path))  # so that an answer is expected
        self._write(NONSENSE)
        return await answer

    def _begun(self, outgoing: Request) -> tuple[bytes, bytes]:
        """First expect the answers to the requests ahead of it.

        Return the bytes up to the end of its head, and the rest.
        """
        ahead = [] if outgoing.then is None else [Get(path, headers={}) for path in outgoing.then.ahead_paths]
        self._ahead_statuses, self._unanswered = [], []
        if not ahead:
            return self._parts_of(outgoing)
        self._unanswered = [*ahead, outgoing]
        parts = [self._parts_of(each, of=h11.Connection(h11.CLIENT)) for each in self._unanswered]
        self._parts_of(self._unanswered.pop(0))
        return b"".join(part for each in parts[:-1] for part in each) + parts[-1][0], parts[-1][1]

    @property
    def refused_ahead(self) -> Sequence[int]:
        """The statuses of unsuccessful answers to requests ahead of the last one."""
        return [status for status in self._ahead_statuses if status // 100 != SUCCESS]

    def _expect_answer(self) -> asyncio.Future[Response]:
        if self._transport is None or self.ended:
            raise BrokenOffError("the connection ended before the request was sent")
        self._answer = asyncio.get_running_loop().create_future()
        self._used_s = time.monotonic()
        self._body.clear()
        self._wanted.clear()
        self._paused_s = 0.0
        return self._answer

    async def _is_refused_by(self, head: bytes, answer: asyncio.Future[Response]) -> bool:
        """Send the head. Return whether the answer came instead of `100 Continue`."""
        self._write(head)
        wanted = asyncio.ensure_future(self._wanted.wait())
        either: Sequence[asyncio.Future[Any]] = [wanted, answer]
        await asyncio.wait(either, timeout=ASKS_FIRST_S, return_when=asyncio.FIRST_COMPLETED)
        wanted.cancel()
        return answer.done()

    async def _send(self, pieces: tuple[bytes, bytes], outgoing: Request, answer: asyncio.Future[Response]) -> None:
        """Send the head and the rest, or the part that must be sent."""
        parts, left = with_pauses(pieces, outgoing.pause_s), outgoing.sent_bytes
        if left is None and outgoing.then is not None:  # in one piece, so that the service reads both at once
            parts = [*parts[:-1], parts[-1] + outgoing.then.behind]
        for part in parts:
            if outgoing.pause_s:
                await asyncio.wait([answer], timeout=outgoing.pause_s)
            if answer.done():
                return  # it came before the request was whole
            self._write(part[:left])
            left = None if left is None else max(0, left - len(part))
        self._left = b"" if outgoing.sent_bytes is None else b"".join(parts)[outgoing.sent_bytes :]
        while outgoing.trickle_s and self._left:
            await asyncio.wait([answer], timeout=outgoing.trickle_s)
            if answer.done():
                return
            self._write(self._left[:1])
            self._left = self._left[1:]

    async def send_rest(self) -> None:
        """Send the rest of the request. The service may already have ended its side."""
        left, self._left = self._left, b""
        for start in range(0, len(left), PIECE_BYTES):
            await self._send_on(left[start : start + PIECE_BYTES])

    async def send_on(self, count: int, *, in_chunks: bool) -> None:
        """Send that many bytes more, unless the connection ends before."""
        blanks = b" " * PIECE_BYTES
        piece = b"%x\r\n%s\r\n" % (len(blanks), blanks) if in_chunks else blanks
        for _ in range(math.ceil(count / PIECE_BYTES)):
            await self._send_on(piece)

    async def _send_on(self, piece: bytes) -> None:
        self._write(piece)
        if not self._room.is_set():
            room = asyncio.ensure_future(self._room.wait())
            either: Sequence[asyncio.Future[Any]] = [room, self.lost]
            await asyncio.wait(either, timeout=TAKEN_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
            room.cancel()

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    @property
    def is_reset(self) -> bool:
        """Whether the service has reset it."""
        return self._was_reset or self._tcp_state() == CLOSED

    @property
    def is_taken_in(self) -> bool:
        """Whether the service's kernel has received everything, or never will."""
        if self.is_reset or self._transport is None or self.lost.done():
            return True
        waiting = fcntl.ioctl(self._socket().fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
        return self._transport.get_write_buffer_size() == 0 and not any(waiting)

    def _tcp_state(self) -> int:
        if self._transport is None or self.lost.done():
            return 0
        return self._socket().getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]

    def _socket(self) -> socket.socket:
        return cast("socket.socket", cast("asyncio.Transport", self._transport).get_extra_info("socket"))

    def _parts_of(self, outgoing: Request, *, of: h11.Connection | None = None) -> tuple[bytes, bytes]:
        """The head, and the rest. `of`: the HTTP state that records it as sent; by default this connection's."""
        http = of or self._http
        own = [("host", f"{HOST}:{self.port}")]
        if not outgoing.is_chunked:
            own.append(("content-length", str(len(outgoing.body))))
        head = h11.Request(method=outgoing.method, target=outgoing.path, headers=[*own, *outgoing.headers.items()])
        events: Sequence[h11.Event] = [h11.Data(data=outgoing.body)]
        if outgoing.then is None or not outgoing.then.on_bytes:
            events = [*events, h11.EndOfMessage(headers=[*outgoing.trailers.items()])]
        return (http.send(head) or b"", b"".join(http.send(event) or b"" for event in events))

    def close(self) -> None:
        """Close it at once and discard unsent bytes. `lost` is done when the connection has ended."""
        if self._transport is not None:
            self._transport.abort()

    # ------------------------------------------------------------------ called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open."""
        self._transport = cast("asyncio.Transport", transport)  # as asyncio gives to every stream's protocol
        self.own_port = transport.get_extra_info("sockname")[1]

    def data_received(self, data: bytes) -> None:
        """Take in a part of an answer; an empty one is the end of the service's bytes."""
        now_s = time.monotonic()
        if self._http.their_state is h11.SEND_BODY:
            self._paused_s = max(self._paused_s, now_s - self._piece_s)
        self._piece_s = now_s
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
            return self._answered()
        elif isinstance(event, h11.InformationalResponse):
            self._wanted.set()
        elif isinstance(event, h11.ConnectionClosed):
            self._break_off(ENDED_EARLY)
        return isinstance(event, h11.InformationalResponse | h11.Response | h11.Data)

    def _answered(self) -> bool:
        """Handle the end of an answer. Return whether it was the answer to a request ahead of this one."""
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        if self._unanswered:
            return self._next_of_several()
        if self._answer is not None and not self._answer.done():
            paused_ms, over_kept = self._paused_s * 1e3, self._answers > 0
            self._answer.set_result(
                Response(self.status, bytes(self._body), self._headers, paused_ms=paused_ms, over_kept=over_kept)
            )
        self._answers += 1
        return False

    def _next_of_several(self) -> bool:
        """Expect the next answer, unless this one was the connection's last."""
        self._ahead_statuses.append(self.status)
        if self._http.our_state is not h11.IDLE:
            self._break_off(ENDED_EARLY)
            return False
        self._body.clear()
        self._parts_of(self._unanswered.pop(0))
        return True

    def _break_off(self, problem: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(BrokenOffError(problem))
            self._answer.exception()  # a client that has given up does not await it, and asyncio would complain

    def eof_received(self) -> bool:
        """Handle the end of the service's bytes; the client may still have bytes to send."""
        self.at_end = True
        self.data_received(b"")
        return self._goes_on

    def pause_writing(self) -> None:
        """The service reads more slowly than the client sends."""
        self._room.clear()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._room.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._was_reset = isinstance(exc, OSError)
        self._break_off(ENDED_EARLY if exc is None else repr(exc))
        self.lost.set_result(None)


def with_pauses(parts: Sequence[bytes], pause_s: float) -> Sequence[bytes]:
    """Split a request into its pieces: all of it, or half the head, the other half with half the body, and the rest."""
    if not pause_s:
        return [b"".join(parts)]
    head, rest = parts
    in_head, in_rest = len(head) // 2, len(rest) // 2
    return [head[:in_head], head[in_head:] + rest[:in_rest], rest[in_rest:]]
