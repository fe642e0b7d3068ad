"""A service's part of a Redis: the keys of one prefix, in one of its databases."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from harness.addresses import HostPort
from harness.protocols.contract.probes import NotUnderstoodError, Said, UnreachedError
from harness.protocols.contract.storage import Own, Share, Storage
from harness.protocols.redis.probes import KEYS_AT_ONCE, RedisProbe, client
from harness.protocols.redis.server import RedisServer

__all__ = ["DATABASES", "STORAGE"]

DATABASES: Final = 16
"""As many as a Redis has by default."""
NO_SUCH_KEY = (-1, -2)
"""Replies: no time to live, no such key, no such place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnKeys:
    """See `Own`."""

    database: int
    prefix: str
    admin_url: str
    remembers_s: float | None = None
    whole: bool = False
    """No other program has keys in the database."""
    password: str = field(default_factory=lambda: secrets.token_hex(12))
    """The password of the user `default` if the URL has none: a user without a password may log in with any (Redis's
    `nopass`)."""

    def words(self, at: HostPort, *, tls: bool) -> Mapping[str, str]:
        """See `Own`."""
        words = {"host": at.host, "port": str(at.port), "database": str(self.database), "prefix": self.prefix}
        told = urlsplit(self.admin_url)
        words |= {"user": told.username or "default", "password": told.password or self.password}
        return {**words, "url": f"{'rediss' if tls else 'redis'}://{at}/{self.database}"}

    async def forget(self) -> None:
        """Delete the service's keys only: another service may use the same database."""
        async with client(self.admin_url) as own:
            async for key in own.scan_iter(match=f"{self.prefix}*", count=KEYS_AT_ONCE):
                await own.unlink(key)

    async def execute(self, text: str) -> Said:
        """See `Own`. Redis's reply is the evidence."""
        async with client(self.admin_url) as own:
            own.set_retry(Retry(NoBackoff(), 0))  # once means once
            try:
                await own.ping()  # what fails from here on is the text's doing
            except RedisConnectionError as problem:
                raise UnreachedError(str(problem)) from problem
            try:
                reply = await own.execute_command(*shlex.split(text))  # type: ignore[no-untyped-call]  # redis-py
            except ResponseError as problem:
                if type(problem) is not ResponseError:  # a state that Redis is in, such as READONLY
                    raise
                raise NotUnderstoodError(f"Redis says: {problem}") from problem
            except RedisConnectionError as problem:
                if type(problem) is not RedisConnectionError:  # a state again, such as LOADING
                    raise
                return Said(f"the connection ended: {problem}", effective=True)
        return Said(repr(reply), effective=bool(reply) and reply not in NO_SUCH_KEY)

    def probe(self) -> RedisProbe:
        """See `Own`."""
        return RedisProbe(self.admin_url, self.database, self.prefix, whole=self.whole, remembers_s=self.remembers_s)

    @asynccontextmanager
    async def empty_beside(self) -> AsyncIterator[OwnKeys]:
        """See `Own`. `prepare` may write the same again."""
        yield self

    async def empty(self) -> None:
        """Delete everything in the database."""
        async with client(self.admin_url) as own:
            await own.flushdb()


class RedisStorage:
    """See `Storage`. A service begins without keys, so there is no template to copy."""

    @asynccontextmanager
    async def own(self, server: RedisServer, share: Share) -> AsyncIterator[OwnKeys]:
        """Reserve a prefix. At the end the whole database is emptied, unless other programs may have keys there."""
        database = share.number % DATABASES
        whole = share.alone and server.process is not None
        keys = OwnKeys(
            database=database, prefix=f"{share.name}:", admin_url=server.url(db=database),
            remembers_s=share.remembers_s, whole=whole,
        )  # fmt: skip
        try:
            yield keys
        finally:
            await (keys.empty() if whole else keys.forget())

    async def make_template(self, server: RedisServer) -> Own:
        """Reserve a prefix for `prepare`."""
        return OwnKeys(database=0, prefix="prepare:", admin_url=server.url())

    async def keep_template(self, server: RedisServer) -> None:
        """Do nothing: nothing is copied."""

    async def drop_template(self, server: RedisServer) -> None:
        """Do nothing: nothing was made."""


STORAGE: Final[Storage[RedisServer]] = RedisStorage()
