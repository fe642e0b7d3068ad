"""What is known about a service if only its connections can be counted. Other protocols use it, too."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from harness.errors import HarnessError
from harness.protocols.contract.probes import UnaskedProbe
from harness.stack.tcp.sockets import connection_counts

__all__ = ["ConnectionsProbe"]


class ConnectionsProbe(UnaskedProbe):
    """See `Probe`. `port`: the server's, to which Toxiproxy connects once for each connection of the service."""

    errors: ClassVar[tuple[type[Exception], ...]] = (OSError, HarnessError)

    def __init__(self, port: int) -> None:
        self._port = port

    async def idle(self) -> int:
        """Count all open connections: the kernel does not know which are busy."""
        return (await asyncio.to_thread(connection_counts, [self._port]))[self._port].open
