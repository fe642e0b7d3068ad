"""What a service has for itself on a Redis: the keys of one prefix, in one of its databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from redis.asyncio import Redis as RedisClient

from harness.addresses import HostPort
from harness.protocols.contract.access import ADMIN_TIMEOUT_S, OWN_NAME
from harness.protocols.contract.storage import Own, Share, Storage
from harness.protocols.redis.server import RedisServer

__all__ = ["DATABASES", "STORAGE"]

DATABASES: Final = 16
"""As many as an unconfigured Redis has."""
KEYS_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnKeys:
    """See `Own`."""

    database: int
    prefix: str
    admin_url: str

    def words(self, at: HostPort, *, tls: bool) -> Mapping[str, str]:
        """See `Own`."""
        words = {"host": at.host, "port": str(at.port), "database": str(self.database), "prefix": self.prefix}
        return {**words, "url": f"{'rediss' if tls else 'redis'}://{at}/{self.database}"}

    async def forget(self) -> None:
        """Remove these keys: another service may have the same database."""
        async with _client(self.admin_url) as client:
            async for key in client.scan_iter(match=f"{self.prefix}*", count=KEYS_AT_ONCE):
                await client.unlink(key)

    async def empty(self) -> None:
        """Remove whatever is in the database."""
        async with _client(self.admin_url) as client:
            await client.flushdb()


class RedisStorage:
    """See `Storage`. A service begins with no keys: there is no template."""

    @asynccontextmanager
    async def own(self, server: RedisServer, share: Share) -> AsyncIterator[OwnKeys]:
        """Give a prefix. At the end the whole database is emptied, unless others may have keys in it."""
        database = share.number % DATABASES
        keys = OwnKeys(database=database, prefix=f"{share.name}:", admin_url=server.url(db=database))
        try:
            yield keys
        finally:
            await (keys.empty() if share.alone and server.process is not None else keys.forget())

    async def make_template(self, server: RedisServer) -> Own:
        """Give `prepare` keys that nobody else has."""
        return OwnKeys(database=0, prefix="prepare:", admin_url=server.url())

    async def keep_template(self, server: RedisServer) -> None:
        """Nothing is copied."""

    async def drop_template(self, server: RedisServer) -> None:
        """Nothing was made."""


STORAGE: Final[Storage[RedisServer]] = RedisStorage()


@asynccontextmanager
async def _client(url: str) -> AsyncIterator[RedisClient]:
    client = RedisClient.from_url(url, socket_timeout=ADMIN_TIMEOUT_S, client_name=OWN_NAME)
    try:
        yield client
    finally:
        await client.aclose()
