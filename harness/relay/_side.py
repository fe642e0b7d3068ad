"""One socket of a relayed connection."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import struct
from typing import Any, Final, Protocol

from harness.protocols.contract.frames import Direction

HIGH_WATER_BYTES: Final = 512 * 1024
TLS_HANDSHAKE_S: Final = 20.0
TLS_GOODBYE_S: Final = 2.0
_NO_LINGER: Final = struct.pack("ii", 1, 0)  # close() sends a reset (socket(7), SO_LINGER)
_DISCARD_BYTES: Final = 256 * 1024


class Joint(Protocol):
    """The connection, as its sockets need it."""

    def connected(self, side: Side) -> None:
        """Take a socket that is open now."""
        ...

    def read(self, direction: Direction, chunk: bytes) -> None:
        """Take what was read."""
        ...

    def finished(self, direction: Direction) -> None:
        """Take the end of a direction."""
        ...

    def lost(self, side: Side, problem: Exception | None) -> None:
        """Take the end of a socket, and what it came of: None where it was closed."""
        ...

    def regulate(self) -> None:
        """See who may read on."""
        ...


class Side(asyncio.Protocol):
    """A socket. `direction`: of the bytes that are read from it.

    No BufferedProtocol: uvloop reads every socket into one buffer of its loop and hands out a copy,
    which is the copy that is needed here anyway; a buffer of our own costs two calls more.
    """

    def __init__(self, joint: Joint, direction: Direction) -> None:
        self._joint = joint
        self.direction: Direction = direction
        self.transport: Any = None  # uvloop's transports have no types of their own
        self.full = False
        self.gone = False
        self._tls = False
        self._reset_when_empty = False

    # ------------------------------------------------------------------ from the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport. TCP_NODELAY is set: uvloop does that for every TCP connection."""
        self.transport = transport
        self.transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)
        self._joint.connected(self)

    def data_received(self, data: bytes) -> None:
        """Take what was read."""
        self._joint.read(self.direction, data)

    def eof_received(self) -> bool:
        """Pass on that this side sends no more. It may go on receiving; in TLS there is no such half."""
        self._joint.finished(self.direction)
        return not self._tls

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell that it is over."""
        self.gone = True
        self._joint.lost(self, exc)

    def pause_writing(self) -> None:
        """Have the other side read no more: too much waits to be written here."""
        self.full = True
        self._joint.regulate()

    def resume_writing(self) -> None:
        """Have it read on."""
        self.full = False
        if self._reset_when_empty:
            self._reset_now()
        else:
            self._joint.regulate()

    # ------------------------------------------------------------------ to the transport

    @property
    def is_open(self) -> bool:
        """Whether something can be done with it."""
        return self.transport is not None and not self.gone and not self.transport.is_closing()

    def write(self, data: bytes) -> None:
        """Write, unless it is over."""
        if self.is_open:
            self.transport.write(data)

    def write_eof(self) -> None:
        """Say that no more will come; in TLS that is the end."""
        if not self.is_open:
            return
        if self._tls:
            self.transport.close()
        else:
            self.transport.write_eof()

    def allow_reading(self, allowed: bool) -> None:
        """Read on, or no more until told so. Idempotent."""
        if not self.is_open:
            return
        if allowed:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()

    def close(self) -> None:
        """Close once all is written.

        What has come and was not read is thrown away: the kernel would send a reset for it.
        """
        if not self.is_open:
            return
        descriptor = self.transport.get_extra_info("socket").fileno()
        with contextlib.suppress(OSError):  # nothing there; or the connection is broken, which the transport tells
            while os.read(descriptor, _DISCARD_BYTES):
                pass
        self.transport.close()

    def reset(self) -> None:
        """Send a reset once all is written."""
        if not self.is_open:
            return
        self.transport.pause_reading()
        if not self.transport.get_write_buffer_size():
            self._reset_now()
            return
        self._reset_when_empty = True
        self.transport.set_write_buffer_limits(high=0)

    def abort(self) -> None:
        """Close at once, whatever is to be written."""
        if self.transport is not None:
            self.transport.abort()

    async def start_tls(self, context: ssl.SSLContext, *, as_server: bool) -> None:
        """Go on in TLS. Raises OSError (ssl.SSLError among them) when the other side does not."""
        self.transport = await asyncio.get_running_loop().start_tls(
            self.transport, self, context, server_side=as_server,
            ssl_handshake_timeout=TLS_HANDSHAKE_S, ssl_shutdown_timeout=TLS_GOODBYE_S,
        )  # fmt: skip
        self._tls = True
        if self.transport is not None:
            self.transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)

    async def accept_tls(self, bare: socket.socket, context: ssl.SSLContext) -> None:
        """Take a socket on which the other side speaks TLS from its first byte. Raises OSError when it does not."""
        self._tls = True
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: self, bare, ssl=context,
            ssl_handshake_timeout=TLS_HANDSHAKE_S, ssl_shutdown_timeout=TLS_GOODBYE_S,
        )  # fmt: skip

    # ------------------------------------------------------------------ inside

    def _reset_now(self) -> None:
        with contextlib.suppress(OSError):  # it is over already
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()
