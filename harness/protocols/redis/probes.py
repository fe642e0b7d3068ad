"""What Redis reports about one service: which of its connections are idle."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import ClassVar, Final

from redis.asyncio import Redis as RedisClient
from redis.exceptions import RedisError

from harness.protocols.contract.access import ADMIN_TIMEOUT_S, OWN_NAME
from harness.protocols.contract.probes import UnaskedProbe

__all__ = ["RedisProbe", "client"]

KEYS_AT_ONCE: Final = 500
WITHOUT_EXPIRY: Final = -1
"""Redis' answer to TTL for a key that it never removes."""
LESS_S: Final = 600
"""How much of its lifetime a key may have spent when the harness looks at it. No run is this long."""


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

    def __init__(
        self, admin_url: str, database: int, prefix: str, *, whole: bool = False, remembers_s: float | None = None
    ) -> None:
        """`whole`: every key of the database is the service's, with any prefix, because many services use their own.

        `remembers_s`: how long each of the service's keys lives after it was written; None: any time.
        """
        self._remembers_s = remembers_s
        self._whole = whole
        self._url = admin_url
        self._database = str(database)
        self._prefix = prefix

    async def idle(self) -> int:
        """Count the connections to the service's database, without the harness's."""
        async with client(self._url) as asking:
            listed = await asking.client_list()
        return sum(1 for other in listed if other["db"] == self._database and other["name"] != OWN_NAME)

    async def residue(self) -> Mapping[str, int]:
        """Count the keys without expiry, with another lifetime, and with another prefix or in another database."""
        async with client(self._url) as asking:
            keys = {bytes(key) async for key in asking.scan_iter(count=KEYS_AT_ONCE)}  # SCAN may give one twice
            prefixed = [key for key in keys if key.startswith(self._prefix.encode())]
            own = [*keys] if self._whole else prefixed
            left_s: list[int] = []
            for begin in range(0, len(own), KEYS_AT_ONCE):
                left_s += await _expiries(asking, own[begin : begin + KEYS_AT_ONCE])
            elsewhere = await _keys_beside(asking, self._database) if self._whole else 0
        return {
            "keys without expiry": left_s.count(WITHOUT_EXPIRY),
            "keys of another lifetime": sum(self._is_of_another_lifetime(seconds) for seconds in left_s),
            "keys without the prefix": len(keys) - len(prefixed) + elsewhere,
        }

    def _is_of_another_lifetime(self, left_s: int) -> bool:
        """Whether a key with this time to live was written with a longer lifetime, or a much shorter one."""
        if self._remembers_s is None or left_s < 0:
            return False
        return not self._remembers_s - LESS_S <= left_s <= self._remembers_s


async def _keys_beside(asking: RedisClient, database: str) -> int:
    """Count the keys in all other databases of the server."""
    databases = await asking.info("keyspace")
    return sum(each["keys"] for name, each in databases.items() if name != f"db{database}")


async def _expiries(asking: RedisClient, keys: Sequence[bytes]) -> list[int]:
    """Ask for all keys in one round trip: a sweep does this after every batch, for each remembered delivery."""
    async with asking.pipeline(transaction=False) as pipeline:
        for key in keys:
            await pipeline.ttl(key)
        return list(await pipeline.execute())
