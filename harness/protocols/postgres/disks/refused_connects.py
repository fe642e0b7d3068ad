"""Makes the relay refuse connects to a PostgreSQL that has ended by itself."""

from __future__ import annotations

import asyncio

from harness.faults.background import Background
from harness.faults.site import Site
from harness.protocols.postgres.server import PostgresServer

__all__ = ["RefusedWhenEnded"]


class RefusedWhenEnded:
    """Refuses connects as soon as the server's process has ended, like the server's own port.

    Toxiproxy would accept them.
    """

    def __init__(self, server: PostgresServer, site: Site) -> None:
        self._server = server
        self._site = site
        self._waiting = Background()

    def begin(self) -> None:
        """Treat the server's end as intended, and refuse connects after it."""
        self._server.may_end()
        self._waiting.begin(self._refuse_when_it_has_ended())

    async def end(self) -> None:
        """Accept connects again: the server is back. Raises an error that happened in between."""
        await self._waiting.end(cancel=True)
        await self._refuse(False)
        self._waiting.check()

    async def _refuse_when_it_has_ended(self) -> None:
        if self._server.process is None:
            return
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def tell(_status: int) -> None:
            loop.call_soon_threadsafe(ended.set)

        leave = self._server.process.on_exit(tell)
        try:
            await ended.wait()
        finally:
            leave()
        await self._refuse(True)

    async def _refuse(self, refuse: bool) -> None:
        for each in self._site.links.values():
            if each.server == self._server.name:
                await self._site.relay.refuse(each.hop, refuse)
