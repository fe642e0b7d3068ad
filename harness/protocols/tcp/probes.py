"""What a server says of one service where nothing but its connections is known. For other protocols, too."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from harness.errors import HarnessError
from harness.protocols.contract.probes import UnaskedProbe
from harness.stack.sockets import connection_count

__all__ = ["ConnectionsProbe"]


class ConnectionsProbe(UnaskedProbe):
    """See `Probe`. `port`: the server's own, which Toxiproxy dials once for each of the service's connections."""

    errors: ClassVar[tuple[type[Exception], ...]] = (OSError, HarnessError)

    def __init__(self, port: int) -> None:
        self._port = port

    async def idle(self) -> int:
        """Count all that are open: the kernel does not know what is under way on one."""
        return (await asyncio.to_thread(connection_count, self._port)).open
