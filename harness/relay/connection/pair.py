"""One relayed connection: its two sockets, and the engine between them."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from harness.protocols.contract.frames import Direction
from harness.relay.connection.engine import Engine
from harness.relay.connection.notes import HopState
from harness.relay.connection.outlet import Cancel
from harness.relay.connection.side import HIGH_WATER_BYTES, Side
from harness.relay.connection.timer import Timer
from harness.relay.control.reports import EndedBy, Report
from harness.relay.hop.handshakes import CERTIFICATES, Dialogue, Trouble
from harness.relay.hop.identity import Identity

_HELLO_BYTES = 1 << 14


class Home(Protocol):
    """What connections need from their hop."""

    @property
    def identity(self) -> Identity:
        """The relay's certificate."""
        ...

    @property
    def trouble(self) -> Trouble | None:
        """The present trouble in TLS handshakes with the service."""
        ...

    async def connect(self, side: Side) -> None:
        """Connect to the server. Raises OSError."""
        ...

    def report(self, report: Report) -> None:
        """Report to the control connection that owns the hop."""
        ...

    def connected(self, pair: Pair, side: Side) -> None:
        """A connection has a new socket."""
        ...

    def ended(self, pair: Pair) -> None:
        """Forget a connection that has ended."""
        ...


class Pair:
    """Both sockets of a connection. When both are closed, its hop forgets it.

    While the relay connects to the server, and while both sides switch to TLS, bytes are kept, and read only up to a
    high-water mark. (On uvloop a transport that is paused when it is created does not stay paused: data can come before
    the server's side is connected.)
    """

    def __init__(self, home: Home, hop: HopState, number: int, loop: asyncio.AbstractEventLoop) -> None:
        self.service = Side(self, "sent")
        self.server = Side(self, "answered")
        self.engine: Engine | None = None
        """None before the service's side is connected."""
        self._home = home
        self._hop = hop
        self._number = number
        self._loop = loop
        # The side that each direction is written to, and the one that it comes from.
        self.destinations: dict[Direction, Side] = {"sent": self.server, "answered": self.service}
        self.sources: dict[Direction, Side] = {"sent": self.service, "answered": self.server}
        self._joined = False
        self._goes_over_to_tls = False
        self._joining: asyncio.Task[None] | None = None
        self._bare: socket.socket | None = None
        self.early: list[tuple[Direction, bytes | None]] = []
        """Bytes that came before the server was connected; None is the end of the direction."""
        self._early_bytes = 0
        self._said_early = asyncio.Event()
        self._finished: set[Direction] = set()
        self._was_reset = False
        self._forgotten = False  # the server's side has ended, and the service does not know

    # ------------------------------------------------------------------ from the sockets

    def enter_in_tls(self, bare: socket.socket, port: int) -> None:
        """Take the service's socket, which begins with TLS; it counts as connected after the handshake."""
        self.engine = Engine(self._hop, self._number, port, self, in_tls=True)
        self._bare = bare
        self._begin(self._agree_on_tls(bare))

    def connected(self, side: Side) -> None:
        """Take a socket: the service's first, then the server's."""
        self._home.connected(self, side)
        if side is self.service:
            if self.engine is None:
                port = side.transport.get_extra_info("peername")[1]
                self.engine = Engine(self._hop, self._number, port, self)
            if self._bare is not None and (unnamed := self._unnamed(side)):
                self._end("service", unnamed)
                side.close()
                return
            self._begin(self._connect())
        elif not self.service.is_open:
            self._mirror(side)

    def read(self, direction: Direction, chunk: bytes) -> None:
        """Take the read bytes."""
        engine = self.engine
        if not self._joined or engine is None:
            self.early.append((direction, chunk))
            self._early_bytes += len(chunk)
            self._said_early.set()
            self.regulate()
            return
        engine.feed(direction, chunk)
        if engine.queued_bytes(direction) > HIGH_WATER_BYTES:
            self.regulate()

    def finished(self, direction: Direction) -> None:
        """Handle the end of a direction."""
        if not self._joined or self.engine is None:
            self.early.append((direction, None))
            self._said_early.set()
        else:
            self.engine.finish(direction)

    def lost(self, side: Side, problem: Exception | None) -> None:
        """Handle the end of a socket: end the other one in the same way. An error of the relay itself does the same."""
        self._said_early.set()
        by = _by(side is self.service, problem)
        self._end(by)
        self._was_reset = by in ("reset by service", "reset by server")
        if side is self.service or not self._forgotten:
            self._mirror(self.server if side is self.service else self.service)
        self._look_whether_over()

    def regulate(self) -> None:
        """Read from each side only while the other side keeps up.

        While the sides switch to TLS, reading does not change: the service's bytes are then part of the handshake, and
        must not be read before the TLS layer has the socket.
        """
        if self._goes_over_to_tls:
            return
        for direction, source in self.sources.items():
            waiting = self._early_bytes + (self.engine.queued_bytes(direction) if self.engine is not None else 0)
            source.allow_reading(not self.destinations[direction].full and waiting <= HIGH_WATER_BYTES)

    @property
    def service_port(self) -> int | None:
        """The service's port; None before the service's side is connected."""
        return self.engine.service_port if self.engine is not None else None

    @property
    def holds(self) -> bool:
        """Whether a rule holds bytes on it."""
        return self.engine is not None and self.engine.holds

    def forget_server(self) -> bool:
        """End the server's side without the service's knowledge. The service's side stays open, but leads nowhere.

        Return whether an answer was due, for which the service waits in vain.
        """
        answer_due = self.engine is not None and self.engine.answer_due
        self._forgotten = True
        self._end("rule")
        self._stop_joining()
        self.server.abort()
        return answer_due

    # ------------------------------------------------------------------ from the engine

    def forward(self, direction: Direction, data: bytes) -> None:
        """Send bytes on."""
        self.destinations[direction].write(data)

    def finish(self, direction: Direction) -> None:
        """Tell the receiver that no more bytes will come; after both directions have ended, close."""
        self._finished.add(direction)
        self.destinations[direction].write_eof()
        if len(self._finished) == 2:
            self.close()

    def close(self) -> None:
        """Close both sides after everything is written."""
        self._stop_joining()
        self.server.close()
        self.service.close()

    def reset(self) -> None:
        """Do the same, but reset the service's side (RST)."""
        self._stop_joining()
        self.server.close()
        self.service.reset()

    def abort(self) -> None:
        """Close both sides at once."""
        self._stop_joining()
        self.server.abort()
        self.service.abort()

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Cancel:
        """Call back after that time, and not before."""
        return Timer(self._loop, delay_s, callback).cancel

    def declines_tls(self) -> bool:
        """Whether this is the present trouble; if so, it is counted."""
        trouble = self._home.trouble
        return trouble is not None and trouble.declines()

    def start_tls(self, *, server_too: bool) -> None:
        """Start TLS."""
        self._joined, self._goes_over_to_tls = False, True
        self.service.allow_reading(False)  # its next bytes are TLS
        self._begin(self._go_over_to_tls(server_too=server_too))

    def drained(self) -> None:
        """The queued bytes were forwarded: read again."""
        self.regulate()

    def report(self, report: Report) -> None:
        """Report to the control connection that owns the hop."""
        self._home.report(report)

    # ------------------------------------------------------------------ joining

    def _begin(self, joining: Coroutine[Any, Any, None]) -> None:
        self._joining = self._loop.create_task(joining)
        self._joining.add_done_callback(self._joining_ended)

    def _joining_ended(self, task: asyncio.Task[None]) -> None:
        self._look_whether_over()
        # Not in the coroutine's `finally`, which never runs if it is cancelled before its first step.
        if self._bare is not None and self.service.transport is None:  # no transport owns the socket and closes it
            self._bare.close()
            self._home.ended(self)
        if task.cancelled():
            return
        if task.exception() is not None:
            self._end("relay")
            self.abort()
        task.result()  # an error here is the relay's own: the loop logs it

    async def _agree_on_tls(self, bare: socket.socket) -> None:
        trouble = self._home.trouble
        try:
            if trouble is not None and trouble.how not in CERTIFICATES:
                hello = await self._loop.sock_recv(bare, _HELLO_BYTES)
                context = (await self._home.identity.contexts()).towards_service
                dialogue = Dialogue(
                    hello, context, lambda said: self._loop.sock_sendall(bare, said),
                    lambda: self._loop.sock_recv(bare, _HELLO_BYTES),
                )  # fmt: skip
                await dialogue.go_wrong(trouble)
                self._end("rule")
                return
            await self.service.accept_tls(bare, await self._context(trouble))
        except OSError as problem:
            if trouble is not None:
                trouble.failed += 1
            self._end("service", _why(problem, "service"))

    def _unnamed(self, side: Side) -> str:
        """Why a client that began with TLS is refused: a server refuses a client that does not name its protocol."""
        tls = self._hop.kind.speech.tls
        if tls is None or side.application == tls.application:
            return ""
        return f"it began with TLS, without asking, and did not name {tls.application!r} as its protocol (ALPN)"

    async def _context(self, trouble: Trouble | None) -> ssl.SSLContext:
        """The TLS context that the service must see now."""
        contexts = await self._home.identity.contexts()
        if trouble is None:
            return contexts.towards_service
        trouble.met += 1
        return contexts.wrong[trouble.how]

    async def _connect(self) -> None:
        """Connect to the server. If it refuses, reset the service's connection."""
        try:
            await self._home.connect(self.server)
        except OSError:
            self._end("server")
            self.service.reset()
            return
        self._join()

    async def _go_over_to_tls(self, *, server_too: bool) -> None:
        contexts, trouble = await self._home.identity.contexts(), self._home.trouble
        blamed: EndedBy = "server"
        try:
            if server_too:
                await self.server.start_tls(contexts.towards_server, as_server=False)
            blamed = "service"
            if trouble is not None and trouble.how not in CERTIFICATES:
                self.service.allow_reading(True)  # no TLS layer will have it
                hello = await self._hear()
                await Dialogue(hello, contexts.towards_service, self._say, self._hear).go_wrong(trouble)
                self._end("rule")
                self._close_both()
                return
            await self.service.start_tls(await self._context(trouble), as_server=True)
        except OSError as problem:
            if trouble is not None and blamed == "service":
                trouble.failed += 1
            self._end(blamed, _why(problem, blamed))
            self.abort()
            return
        self._join()

    async def _say(self, data: bytes) -> None:
        self.service.write(data)

    async def _hear(self) -> bytes:
        """The service's next bytes; empty if it sends no more."""
        known = len(self.early)
        self._said_early.clear()
        await self._said_early.wait()
        return b"".join(chunk for direction, chunk in self.early[known:] if direction == "sent" and chunk is not None)

    def _close_both(self) -> None:
        self.service.close()
        self.server.close()

    def _join(self) -> None:
        """Both sides are connected: forward the bytes that have arrived."""
        self._joined, self._goes_over_to_tls = True, False
        early, self.early, self._early_bytes = self.early, [], 0
        for direction, chunk in early:
            if chunk is None:
                self.finished(direction)
            else:
                self.read(direction, chunk)
        self.regulate()

    def _stop_joining(self) -> None:
        if self._joining is not None and not self._joined:
            self._joining.cancel()

    def _mirror(self, other: Side) -> None:
        if self._was_reset:
            other.reset()
        else:
            other.close()

    def _look_whether_over(self) -> None:
        connecting = self._joining is not None and not self._joining.done()
        if self.service.gone and (self.server.gone or (self.server.transport is None and not connecting)):
            self._home.ended(self)

    def _end(self, by: EndedBy, why: str = "") -> None:
        if self.engine is not None:
            self.engine.lost(by, why)


def _why(problem: OSError, by: EndedBy) -> str:
    """Describe why TLS failed. A client that does not trust the certificate may close without an alert."""
    said = str(problem) if isinstance(problem, ssl.SSLError) else f"the {by} ended it ({type(problem).__name__})"
    return f"TLS was not agreed: {said}"


def _by(is_service: bool, problem: Exception | None) -> EndedBy:
    """Which side ended it. Anything but an OSError came from the relay's own code, and is in its log."""
    if problem is not None and not isinstance(problem, OSError):
        return "relay"
    reset = problem is not None and not isinstance(problem, ssl.SSLError)
    if is_service:
        return "reset by service" if reset else "service"
    return "reset by server" if reset else "server"
