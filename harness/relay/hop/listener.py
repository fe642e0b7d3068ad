"""A port of 127.0.0.1 that can refuse connections, and that no other program can take while it does.

One socket is bound to the port and never listens: it reserves the number. A second one, bound to it as well
(SO_REUSEPORT, socket(7): only sockets of this user can share it), listens. While the port must refuse, the second
socket is closed: the kernel then answers a SYN with a reset, as for any port without a listener (RFC 9293, section
3.10.7.1).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, Self

from harness.relay.hop.cable import Cable

BACKLOG: Final = 512


class Receiver(Protocol):
    """Listens, and passes accepted connections to their owner."""

    def close(self) -> None:
        """Stop listening. Open connections stay open."""
        ...


Receives = Callable[[socket.socket], Awaitable[Receiver]]


class Listener:
    """A port that listens from the moment it is made by `open`."""

    def __init__(self, reservation: socket.socket, receives: Receives) -> None:
        self.port: int = reservation.getsockname()[1]
        self._reservation = reservation
        self._receives = receives
        self._receiver: Receiver | None = None
        self._listening: socket.socket | None = None
        self.cable = Cable(lambda: self._listening)
        """The segments that arrive at it, and those that are dropped."""
        self._changing = asyncio.Lock()  # of two changes at once the later one counts

    @classmethod
    async def open(cls, receives: Receives) -> Self:
        """Reserve a free port; `receives` listens on a socket that is bound to it. Raises OSError."""
        reservation = _bound(0)
        try:
            listener = cls(reservation, receives)
            await listener.refuse(refusing=False)
        except BaseException:
            reservation.close()
            raise
        return listener

    async def refuse(self, *, refusing: bool) -> None:
        """Refuse connections from now on, or accept them again. Connections that are not accepted yet are reset."""
        async with self._changing:
            if not refusing and self._receiver is None:
                listening = _bound(self.port)
                self._receiver = await self._receives(listening)
                self._listening = listening
                self.cable.laid()
            elif refusing and self._receiver is not None:
                self.cable.note()
                receiver, self._receiver, self._listening = self._receiver, None, None
                receiver.close()

    def close(self) -> None:
        """Free the port."""
        if self._receiver is not None:
            self._listening = None
            self._receiver.close()
        self._reservation.close()


def _bound(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(("127.0.0.1", port))
    except BaseException:
        bound.close()
        raise
    return bound
