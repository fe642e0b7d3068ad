"""What Redis reports about one service: which of its connections are idle."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar

from redis.asyncio import Redis as RedisClient
from redis.exceptions import RedisError

from harness.protocols.contract.access import ADMIN_TIMEOUT_S, OWN_NAME
from harness.protocols.contract.probes import UnaskedProbe

__all__ = ["RedisProbe", "client"]


@asynccontextmanager
async def client(url: str) -> AsyncIterator[RedisClient]:
    """Open a client of the harness for as long as the block lasts."""
    opened = RedisClient.from_url(url, socket_timeout=ADMIN_TIMEOUT_S, client_name=OWN_NAME)
    try:
        yield opened
    finally:
        await opened.aclose()


class RedisProbe(UnaskedProbe):
    """See `Probe`. Redis executes one command at a time, so every connection that it lists is idle."""

    errors: ClassVar[tuple[type[Exception], ...]] = (RedisError, OSError)

    def __init__(self, admin_url: str, database: int) -> None:
        self._url = admin_url
        self._database = str(database)

    async def idle(self) -> int:
        """Count the connections to the service's database, without the harness's."""
        async with client(self._url) as asking:
            listed = await asking.client_list()
        return sum(1 for other in listed if other["db"] == self._database and other["name"] != OWN_NAME)
