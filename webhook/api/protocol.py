"""uvicorn's HTTP protocol, with the limits that it lacks: the size of the head, and the time for it."""

import json
from asyncio import TimerHandle, Transport
from collections.abc import Sequence

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

DISCARDED_BYTES_MAX = 16 << 20
"""How much a client may still send after its answer: it should read a 413 before the connection ends."""

FIRST_REQUEST_S = 0.25
"""A client that had just connected when the shutdown began sends its first request within this time, and would not
repeat it."""


class HeadTooLargeError(Exception):
    """The request line and the headers are larger than the limit."""


class UpgradeError(Exception):
    """The client asked for another protocol: the rest of the stream would not be HTTP."""


class _UntilTheBodyIsIn(Transport):
    """The application's side of a connection. If it closes the connection during a body, the rest is still read.

    If a connection is closed with unread bytes, the kernel resets it, and the client may lose the answer.
    """

    def __init__(self, protocol: "LimitedProtocol") -> None:
        super().__init__()
        self._protocol = protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send it."""
        self._protocol.transport.write(data)

    def is_closing(self) -> bool:
        """Return whether nothing more can be sent."""
        return self._protocol.transport.is_closing()

    def close(self) -> None:
        """End the sending side, and close the connection when the body has arrived."""
        self._protocol.end()


class LimitedProtocol(HttpToolsProtocol):
    """Answers malformed requests with JSON, like all others."""

    headers_limit_bytes = 32 << 10
    headers_timeout_s = 5.0

    _overhead_bytes = 0
    """The bytes since the last piece of a body: a head, trailers, or anything between chunks or requests."""
    _discarded_bytes = 0
    _refused = False
    _draining = False
    _lingering = False
    _closes_soon = False
    _head_timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Start to wait for a first request."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        super().connection_lost(exc)
        self._stop_timer()

    def data_received(self, data: bytes) -> None:
        """Count the bytes outside a body, and those after an answer."""
        if self.transport.is_closing():
            return
        if self._refused or self._answered_early():
            self._discarded_bytes += len(data)
            if self._discarded_bytes > DISCARDED_BYTES_MAX:
                self.transport.abort()
            if self._refused or self.transport.is_closing():
                return
        self._overhead_bytes += len(data)
        super().data_received(data)
        if self._overhead_bytes > self.headers_limit_bytes and not self._refused:
            self._refuse(431, "headers_too_large", self._too_large())

    def on_message_begin(self) -> None:
        """Start a head. Its part in this piece of data has been read already, so the piece's size limits it."""
        self._overhead_bytes = 0
        self._start_timer()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Check the head before the application sees it."""
        self._overhead_bytes = 0
        self._discarded_bytes = 0
        self._stop_timer()
        if self.parser.should_upgrade():
            raise UpgradeError
        if len(self.url) + self._size(self.headers) > self.headers_limit_bytes:
            self._refuse(431, "headers_too_large", self._too_large())
            raise HeadTooLargeError
        super().on_headers_complete()
        # The application has the list that was filled so far: a trailer must not pass for a header.
        self.headers = []
        # Answered without `100 Continue`, the body may follow or not: only the client knows.
        self.cycle.keep_alive = self.cycle.keep_alive and not self.expect_100_continue and not self._draining
        self.cycle.transport = _UntilTheBodyIsIn(self)

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body. The bytes around it were only its chunk's frame."""
        self._overhead_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Check the bytes after the body, and let the connection end with the answer if it must end."""
        self._overhead_bytes = 0
        if self._size(self.headers) > self.headers_limit_bytes:
            self._refuse(431, "headers_too_large", self._too_large())
            raise HeadTooLargeError
        super().on_message_complete()
        # uvicorn leaves it as it was where the answer came first: what follows would pass for more of this body.
        self.cycle.more_body = False
        if self.cycle.response_complete and not self.cycle.keep_alive:
            self.transport.close()

    def on_response_complete(self) -> None:
        """After the last answer, even if more may arrive: end the sending side, and continue to read."""
        last = not self.pipeline
        super().on_response_complete()
        if self._refused and last and not self.transport.is_closing():
            self._linger()

    def end(self) -> None:
        """End the connection after its last answer, but not before the incoming body has arrived."""
        if self._answered_early() and not self._draining:
            self._linger()
        else:
            self.transport.close()

    def shutdown(self) -> None:
        """Drain: do not wait for a client that has its last answer; wait a moment for one that has just connected."""
        self._draining = True
        cycle: RequestResponseCycle | None = self.cycle
        if self._lingering:
            self.transport.close()
        elif cycle is None and not self._closes_soon:
            self._closes_soon = True
            self.loop.call_later(FIRST_REQUEST_S, super().shutdown)
        else:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """Answer a request that the parser, or a check above, rejected."""
        self._refuse(400, "invalid_request", msg)

    def _too_large(self) -> str:
        return f"The request line and the headers may have {self.headers_limit_bytes} bytes."

    @staticmethod
    def _size(headers: Sequence[tuple[bytes, bytes]]) -> int:
        return sum(len(name) + len(value) for name, value in headers)

    def _refuse(self, status: int, error: str, detail: str) -> None:
        """Answer, and end the connection: the boundary between this request and the next is no longer known."""
        if self._refused or self.transport.is_closing():
            return
        self._stop_timer()
        self._refused = True
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or (cycle.response_complete and not cycle.more_body):
            # No client waits for another answer.
            self._write(status, error, detail)
        elif cycle.response_complete:
            # This request has its answer.
            self._linger()
        elif not cycle.more_body:
            # It is whole and not yet answered: this answer would be taken for its own.
            cycle.keep_alive = False
        elif self.pipeline:
            # It waits for its turn, which will not come; the connection ends with the answers of those before it.
            self.pipeline.popleft()
        else:
            # Its body ends here, so the application has no client to answer.
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self._linger()
            else:
                self._write(status, error, detail)

    def _write(self, status: int, error: str, detail: str) -> None:
        body = json.dumps({"error": error, "detail": detail}).encode()
        head = (b"content-type: application/json\r\n", b"content-length: %d\r\n" % len(body), b"connection: close\r\n")
        self.transport.write(b"".join((STATUS_LINE[status], *head, b"\r\n", body)))
        self._linger()

    def _answered_early(self) -> bool:
        """Return whether the request that is still arriving already has its answer."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and cycle.response_complete and cycle.more_body

    def _linger(self) -> None:
        """End the sending side, and continue to read.

        The kernel resets a connection that is closed with unread bytes.
        """
        if not self._lingering:
            self._lingering = True
            self.flow.resume_reading()
            self.transport.write_eof()
        self._start_timer()

    def _head_overdue(self) -> None:
        self._head_timer = None
        if self._lingering:
            self.transport.abort()
            return
        self._refuse(408, "request_timeout", f"No request came within {self.headers_timeout_s:g} s.")

    def _unset_keepalive_if_required(self) -> None:
        """Limit the time for what came instead: line ends between two requests do not start a message."""
        if self.timeout_keep_alive_task is not None:
            super()._unset_keepalive_if_required()
            self._start_timer()

    def _start_timer(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.headers_timeout_s, self._head_overdue)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def protocol_class(*, headers_limit_bytes: int, headers_timeout_s: float) -> type[LimitedProtocol]:
    """Return the protocol with these limits: uvicorn makes an instance per connection and passes it no limits."""
    limits = {"headers_limit_bytes": headers_limit_bytes, "headers_timeout_s": headers_timeout_s}
    return type("ConfiguredProtocol", (LimitedProtocol,), limits)
