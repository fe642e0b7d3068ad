"""One socket of a relayed connection."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import struct
from typing import Any, Final, Protocol

from harness.processes.socket_filter import AnySocket
from harness.protocols.contract.frames import Direction
from harness.relay.hop.cable import Cable

HIGH_WATER_BYTES: Final = 512 * 1024
TLS_HANDSHAKE_S: Final = 20.0
TLS_GOODBYE_S: Final = 2.0
_NO_LINGER: Final = struct.pack("ii", 1, 0)  # close() sends a reset (socket(7), SO_LINGER)
_DISCARD_BYTES: Final = 256 * 1024
_SEGMENTS: Final = struct.Struct("136x2I")  # linux/tcp.h: tcp_info.tcpi_segs_out, tcpi_segs_in
_SEGMENTS_END: Final = 256


class Joint(Protocol):
    """What a socket needs from its connection."""

    def connected(self, side: Side) -> None:
        """Take a socket that is connected now."""
        ...

    def read(self, direction: Direction, chunk: bytes) -> None:
        """Take the read bytes."""
        ...

    def finished(self, direction: Direction) -> None:
        """Handle the end of a direction."""
        ...

    def lost(self, side: Side, problem: Exception | None) -> None:
        """Handle the end of a socket, with its error; None if it was closed."""
        ...

    def regulate(self) -> None:
        """Decide again which sides may read."""
        ...


class Side(asyncio.Protocol):
    """A socket. `direction`: the direction of the bytes that are read from it.

    It is not a BufferedProtocol: uvloop reads every socket into one buffer of its loop and passes on a copy, which is
    needed here anyway. A buffer for each socket would cost two more calls.
    """

    def __init__(self, joint: Joint, direction: Direction) -> None:
        self._joint = joint
        self.direction: Direction = direction
        self.transport: Any = None  # uvloop's transports have no types of their own
        self.full = False
        self.gone = False
        self.cable = Cable(self._socket)
        """The segments that arrive at it, and those that are dropped."""
        self._tls = False
        self._reset_when_empty = False

    # ------------------------------------------------------------------ from the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport. TCP_NODELAY is set: uvloop does that for every TCP connection."""
        self.transport = transport
        self.transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)
        self._joint.connected(self)

    def data_received(self, data: bytes) -> None:
        """Take the read bytes."""
        self._joint.read(self.direction, data)

    def eof_received(self) -> bool:
        """Forward the end of this side's bytes. It can still receive, except in TLS, which has no half-close."""
        self.cable.note()  # the peer may close it next
        self._joint.finished(self.direction)
        return not self._tls

    def connection_lost(self, exc: Exception | None) -> None:
        """Report that the socket is closed."""
        self.gone = True
        self._joint.lost(self, exc)

    def pause_writing(self) -> None:
        """Stop reading on the other side: too many bytes wait to be written here."""
        self.full = True
        self._joint.regulate()

    def resume_writing(self) -> None:
        """Let the other side read again."""
        self.full = False
        if self._reset_when_empty:
            self._reset_now()
        else:
            self._joint.regulate()

    # ------------------------------------------------------------------ to the transport

    @property
    def is_open(self) -> bool:
        """Whether the socket can still be used."""
        return self.transport is not None and not self.gone and not self.transport.is_closing()

    def write(self, data: bytes) -> None:
        """Write, unless the socket is closed."""
        if self.is_open:
            self.transport.write(data)

    def write_eof(self) -> None:
        """Tell the peer that no more will come; in TLS this closes the connection."""
        if not self.is_open:
            return
        if self._tls:
            self.transport.close()
        else:
            self.transport.write_eof()

    def allow_reading(self, allowed: bool) -> None:
        """Read, or stop reading until it is allowed again. Idempotent."""
        if not self.is_open:
            return
        if allowed:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()

    def close(self) -> None:
        """Close after everything is written.

        Unread bytes are first read and discarded, because the kernel would send a reset for them (RFC 1122, section
        4.2.2.13).
        """
        if not self.is_open:
            return
        if (found := self._socket()) is not None:
            with contextlib.suppress(OSError):  # nothing to read; or it is broken, which the transport reports
                while os.read(found.fileno(), _DISCARD_BYTES):
                    pass
        self.cable.note()
        self.transport.close()

    def reset(self) -> None:
        """Send a reset after everything is written."""
        if not self.is_open:
            return
        self.transport.pause_reading()
        if not self.transport.get_write_buffer_size():
            self._reset_now()
            return
        self._reset_when_empty = True
        self.transport.set_write_buffer_limits(high=0)

    def abort(self) -> None:
        """Close at once, without writing the remaining bytes."""
        if self.transport is not None:
            self.cable.note()
            self.transport.abort()

    @property
    def application(self) -> str | None:
        """The protocol that the peer has named (ALPN); None if it has named none that the relay offers."""
        spoken = self.transport.get_extra_info("ssl_object")
        return None if spoken is None else spoken.selected_alpn_protocol()

    def segments(self) -> int:
        """How many segments have come and gone, including empty ones."""
        found = self._socket()
        if found is None:
            return 0
        went, came = _SEGMENTS.unpack_from(found.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _SEGMENTS_END))
        return int(went + came)

    async def start_tls(self, context: ssl.SSLContext, *, as_server: bool) -> None:
        """Start TLS. Raises OSError (ssl.SSLError is one) if the peer does not."""
        self.transport = await asyncio.get_running_loop().start_tls(
            self.transport, self, context, server_side=as_server,
            ssl_handshake_timeout=TLS_HANDSHAKE_S, ssl_shutdown_timeout=TLS_GOODBYE_S,
        )  # fmt: skip
        self._tls = True
        if self.transport is not None:
            self.transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)

    async def accept_tls(self, bare: socket.socket, context: ssl.SSLContext) -> None:
        """Take a socket whose peer speaks TLS from its first byte. Raises OSError if it does not."""
        self._tls = True
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: self, bare, ssl=context,
            ssl_handshake_timeout=TLS_HANDSHAKE_S, ssl_shutdown_timeout=TLS_GOODBYE_S,
        )  # fmt: skip

    # ------------------------------------------------------------------ inside

    def _socket(self) -> AnySocket | None:
        """None if it is closed. In TLS the transport knows this before `connection_lost` is called."""
        found: AnySocket | None = self.transport.get_extra_info("socket") if self.is_open else None
        return found

    def _reset_now(self) -> None:
        self.cable.note()
        if (found := self._socket()) is not None:
            with contextlib.suppress(OSError):  # it is closed already
                found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()
