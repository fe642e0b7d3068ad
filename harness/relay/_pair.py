"""One relayed connection: its two sockets, and the engine between them."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from harness.protocols.contract.frames import Direction
from harness.relay._engine import Engine
from harness.relay._identity import Identity
from harness.relay._notes import HopState
from harness.relay._outlet import Cancel
from harness.relay._side import HIGH_WATER_BYTES, Side
from harness.relay.reports import EndedBy, Report


class Home(Protocol):
    """The hop, as its connections need it."""

    @property
    def identity(self) -> Identity:
        """What TLS is spoken with."""
        ...

    async def connect(self, side: Side) -> None:
        """Connect to the server. Raises OSError."""
        ...

    def report(self, report: Report) -> None:
        """Tell the owner of the hop."""
        ...

    def ended(self, pair: Pair) -> None:
        """Forget a connection."""
        ...


class Pair:
    """Both sockets. When both are gone, its hop forgets it.

    While the server's side is being connected, and while both sides go over to TLS, what comes is
    kept and read no further than a high-water mark. (To pause a transport when it is made does not
    hold on uvloop: data can come before the server is there.)
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
        self._to: dict[Direction, Side] = {"sent": self.server, "answered": self.service}
        self._from: dict[Direction, Side] = {"sent": self.service, "answered": self.server}
        self._joined = False
        self._goes_over_to_tls = False
        self._joining: asyncio.Task[None] | None = None
        self._bare: socket.socket | None = None
        self._early: list[tuple[Direction, bytes | None]] = []  # None: the end of the direction
        self._early_bytes = 0
        self._finished: set[Direction] = set()
        self._was_reset = False

    # ------------------------------------------------------------------ from the sockets

    def enter_in_tls(self, bare: socket.socket, port: int) -> None:
        """Take the service's socket, from its own `port`: it is connected when TLS is agreed."""
        self.engine = Engine(self._hop, self._number, port, self)
        self._bare = bare
        self._begin(self._agree_on_tls(bare))

    def connected(self, side: Side) -> None:
        """Take a socket: the service's first, then the server's."""
        if side is self.service:
            if self.engine is None:
                port = side.transport.get_extra_info("peername")[1]
                self.engine = Engine(self._hop, self._number, port, self)
            self._begin(self._connect())
        elif not self.service.is_open:
            self._mirror(side)

    def read(self, direction: Direction, chunk: bytes) -> None:
        """Take what was read."""
        engine = self.engine
        if not self._joined or engine is None:
            self._early.append((direction, chunk))
            self._early_bytes += len(chunk)
            self.regulate()
            return
        engine.feed(direction, chunk)
        if engine.queued_bytes(direction) > HIGH_WATER_BYTES:
            self.regulate()

    def finished(self, direction: Direction) -> None:
        """Take the end of a direction."""
        if not self._joined or self.engine is None:
            self._early.append((direction, None))
        else:
            self.engine.finish(direction)

    def lost(self, side: Side, problem: Exception | None) -> None:
        """Take the end of a socket, and mirror it. What the loop caught of the relay's own ends it too."""
        by = _by(side is self.service, problem)
        self._end(by)
        self._was_reset = by in ("reset by service", "reset by server")
        self._mirror(self.server if side is self.service else self.service)
        self._look_whether_over()

    def regulate(self) -> None:
        """Read from each side only while what it sends does not pile up.

        While the sides go over to TLS they are left alone: what the service sends then is for the
        handshake, and must not be read before that has the socket.
        """
        if self._goes_over_to_tls:
            return
        for direction, source in self._from.items():
            waiting = self._early_bytes + (self.engine.queued_bytes(direction) if self.engine is not None else 0)
            source.allow_reading(not self._to[direction].full and waiting <= HIGH_WATER_BYTES)

    # ------------------------------------------------------------------ from the engine

    def forward(self, direction: Direction, data: bytes) -> None:
        """Pass bytes on."""
        self._to[direction].write(data)

    def finish(self, direction: Direction) -> None:
        """Pass on that no more will come; when that holds both ways, close."""
        self._finished.add(direction)
        self._to[direction].write_eof()
        if len(self._finished) == 2:
            self.close()

    def close(self) -> None:
        """Close both sides, once all is written."""
        self._stop_joining()
        self.server.close()
        self.service.close()

    def reset(self) -> None:
        """The same, but the service gets a reset."""
        self._stop_joining()
        self.server.close()
        self.service.reset()

    def abort(self) -> None:
        """Close both sides at once."""
        self._stop_joining()
        self.server.abort()
        self.service.abort()

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Cancel:
        """Call back after that time."""
        return self._loop.call_later(delay_s, callback).cancel

    def start_tls(self, *, server_too: bool) -> None:
        """Go on in TLS."""
        self._joined, self._goes_over_to_tls = False, True
        self.service.allow_reading(False)  # what it sends next is TLS
        self._begin(self._go_over_to_tls(server_too=server_too))

    def drained(self) -> None:
        """What waited has passed on: read again."""
        self.regulate()

    def report(self, report: Report) -> None:
        """Tell the owner of the hop."""
        self._home.report(report)

    # ------------------------------------------------------------------ joining

    def _begin(self, joining: Coroutine[Any, Any, None]) -> None:
        self._joining = self._loop.create_task(joining)
        self._joining.add_done_callback(self._joining_ended)

    def _joining_ended(self, task: asyncio.Task[None]) -> None:
        self._look_whether_over()
        # Not at the coroutine's end: one that is cancelled before its first step has none.
        if self._bare is not None and self.service.transport is None:  # connected to nothing, so that nothing ends it
            self._bare.close()
            self._home.ended(self)
        if task.cancelled():
            return
        if task.exception() is not None:
            self._end("relay")
            self.abort()
        task.result()  # what it raises is a fault of the relay's own: the loop logs it

    async def _agree_on_tls(self, bare: socket.socket) -> None:
        try:
            contexts = await self._home.identity.contexts()
            await self.service.accept_tls(bare, contexts.towards_service)
        except OSError as problem:
            self._end("service", _why(problem, "service"))

    async def _connect(self) -> None:
        """Connect to the server, and mirror a refusal: the service's connection is reset."""
        try:
            await self._home.connect(self.server)
        except OSError:
            self._end("server")
            self.service.reset()
            return
        self._join()

    async def _go_over_to_tls(self, *, server_too: bool) -> None:
        contexts = await self._home.identity.contexts()
        blamed: EndedBy = "server"
        try:
            if server_too:
                await self.server.start_tls(contexts.towards_server, as_server=False)
            blamed = "service"
            await self.service.start_tls(contexts.towards_service, as_server=True)
        except OSError as problem:
            self._end(blamed, _why(problem, blamed))
            self.abort()
            return
        self._join()

    def _join(self) -> None:
        """Both sides are there: pass on what came meanwhile."""
        self._joined, self._goes_over_to_tls = True, False
        early, self._early, self._early_bytes = self._early, [], 0
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
    """Say what TLS failed of. A client that trusts nobody may go without a word."""
    said = str(problem) if isinstance(problem, ssl.SSLError) else f"the {by} ended it ({type(problem).__name__})"
    return f"TLS was not agreed: {said}"


def _by(is_service: bool, problem: Exception | None) -> EndedBy:
    """Tell who ended it: what is no OSError was raised by the relay's own code, and is in its log."""
    if problem is not None and not isinstance(problem, OSError):
        return "relay"
    reset = problem is not None and not isinstance(problem, ssl.SSLError)
    if is_service:
        return "reset by service" if reset else "service"
    return "reset by server" if reset else "server"
