"""Accepts connections as bare sockets.

What is to speak TLS from its first byte must not be read from before: a server of the loop's own would, and one that
speaks TLS by itself tells nobody of those who do not.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from harness.relay._listener import BACKLOG


class Door:
    """Listens on a bound socket, which is its own from then on. `enters` gets each connection and its client's port."""

    def __init__(self, bound: socket.socket, enters: Callable[[socket.socket, int], None]) -> None:
        self._bound = bound
        self._enters = enters
        bound.setblocking(False)
        bound.listen(BACKLOG)
        self._accepting = asyncio.get_running_loop().create_task(self._accept())
        self._accepting.add_done_callback(_tell)

    def close(self) -> None:
        """Listen no more. Those that have entered stay."""
        self._accepting.cancel()
        self._bound.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            bare, (_, port) = await loop.sock_accept(self._bound)
            self._enters(bare, port)


def _tell(accepting: asyncio.Task[None]) -> None:
    """Have the loop log why it accepts no more: that is a fault of the relay's own."""
    if not accepting.cancelled():
        accepting.result()
