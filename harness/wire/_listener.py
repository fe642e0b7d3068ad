"""A port of 127.0.0.1 that can refuse connections and is never lost to anyone else.

One socket is bound to the port and never listens: it reserves the number. A second one, bound to it as
well (SO_REUSEPORT, which only this user's sockets may share), listens, and is closed while the port is
to refuse: the kernel then answers a SYN with a reset, as for any port where nobody listens.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Self

_BACKLOG = 512


class Listener:
    """Made by `open`; listens at once."""

    def __init__(self, reservation: socket.socket, factory: Callable[[], asyncio.BaseProtocol]) -> None:
        self.port: int = reservation.getsockname()[1]
        self._reservation = reservation
        self._factory = factory
        self._server: asyncio.AbstractServer | None = None
        self._changing = asyncio.Lock()  # of two changes at once the later one counts

    @classmethod
    async def open(cls, factory: Callable[[], asyncio.BaseProtocol]) -> Self:
        """Take a free port; `factory` makes the protocol of each connection. Raises OSError."""
        reservation = _bound(0)
        try:
            listener = cls(reservation, factory)
            await listener.refuse(refusing=False)
        except BaseException:
            reservation.close()
            raise
        return listener

    async def refuse(self, *, refusing: bool) -> None:
        """Refuse from now on, or accept again. Connections that wait to be accepted are reset."""
        async with self._changing:
            if not refusing and self._server is None:
                loop = asyncio.get_running_loop()
                self._server = await loop.create_server(self._factory, sock=_bound(self.port), backlog=_BACKLOG)
            elif refusing and self._server is not None:
                server, self._server = self._server, None
                server.close()

    def close(self) -> None:
        """Give the port up."""
        if self._server is not None:
            self._server.close()
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
