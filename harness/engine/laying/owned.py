"""What one service has of its own on the servers: a role and a database; a Redis database, or keys in one."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from redis.asyncio import Redis as RedisClient

from harness.engine.laying.testbed import REDIS_DATABASES, TEMPLATE, Testbed
from harness.engine.laying.tls import words_of
from harness.faults.site import ADMIN_TIMEOUT_S, OWN_NAME
from harness.stack.databases import create_database, create_role, drop_database, drop_role

HOST = "127.0.0.1"
KEYS_AT_ONCE = 500
CHEAP_SCRAM = "SET scram_iterations = 1"
SCRAM_CAN_BE_CHEAP = 160_000
"""server_version_num from which the number of rounds can be set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnDatabase:
    """A role and a database of one name. `admin_url`: the harness's own way to it, as superuser."""

    name: str
    password: str
    admin_url: str

    def words(self, port: int, ca_file: Path | None = None) -> Mapping[str, str]:
        """What the target description's placeholders are filled with, where the service is to dial `port`.

        `ca_file`: whom it has to trust there, where it is to speak TLS.
        """
        name, password = self.name, self.password
        words = {"host": HOST, "port": str(port), "user": name, "password": password, "database": name}
        return {**words, **words_of(ca_file), "url": f"postgresql://{name}:{password}@{HOST}:{port}/{name}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnKeys:
    """A Redis database, and the beginning of the keys in it. `admin_url`: the harness's own way to it."""

    database: int
    prefix: str
    admin_url: str

    def words(self, port: int, ca_file: Path | None = None) -> Mapping[str, str]:
        """What the target description's placeholders are filled with; see `OwnDatabase.words`."""
        words = {"host": HOST, "port": str(port), "database": str(self.database), "prefix": self.prefix}
        scheme = "redis" if ca_file is None else "rediss"
        return {**words, **words_of(ca_file), "url": f"{scheme}://{HOST}:{port}/{self.database}"}

    async def forget(self) -> None:
        """Remove these keys: another may have the same database."""
        async with _client(self.admin_url) as client:
            async for key in client.scan_iter(match=f"{self.prefix}*", count=KEYS_AT_ONCE):
                await client.unlink(key)

    async def empty(self) -> None:
        """Remove whatever is in the database."""
        async with _client(self.admin_url) as client:
            await client.flushdb()


@asynccontextmanager
async def own_database(bed: Testbed, name: str, *, cheap_scram: bool = False) -> AsyncIterator[OwnDatabase]:
    """Make a role and a copy of the prepared template for it; both are dropped at the end.

    `cheap_scram`: one round of SHA-256 in place of 4,096, for whoever reconnects thousands of times: they are most of
    a connect, and the messages are the same, to the byte but for the number.
    """
    server = bed.stack.postgres
    password, admin_url = secrets.token_hex(12), server.url(database=name)
    try:
        async with _session(server.url()) as admin:
            if cheap_scram and int(await admin.fetchval("SHOW server_version_num")) >= SCRAM_CAN_BE_CHEAP:
                await admin.execute(CHEAP_SCRAM)
            await create_role(admin, name, password=password)
            await create_database(admin, name, owner=name, template=TEMPLATE if bed.has_template else None)
        await _hand_over(admin_url, name)
        yield OwnDatabase(name=name, password=password, admin_url=admin_url)
    finally:
        async with _session(server.url()) as admin:
            await drop_database(admin, name)
            await drop_role(admin, name)


@asynccontextmanager
async def own_keys(bed: Testbed, link: str, number: int, *, alone: bool) -> AsyncIterator[OwnKeys]:
    """Give keys of its own, which are removed at the end.

    `alone`: nobody else has the database now. Then all of it goes, unless the server was given by URL.
    """
    server, database = bed.stack.redis, number % REDIS_DATABASES
    keys = OwnKeys(database=database, prefix=f"{link}_{number}:", admin_url=server.url(db=database))
    try:
        yield keys
    finally:
        await (keys.empty() if alone and server.process is not None else keys.forget())


async def _hand_over(url: str, role: str) -> None:
    """Give what the template's owner made to the service's own role, so that it may change it."""
    async with _session(url) as admin:
        if await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", TEMPLATE):
            await admin.execute(f'REASSIGN OWNED BY "{TEMPLATE}" TO "{role}"')


@asynccontextmanager
async def _session(url: str) -> AsyncIterator[asyncpg.Connection]:
    admin = await asyncpg.connect(url, timeout=ADMIN_TIMEOUT_S)
    try:
        yield admin
    finally:
        await admin.close()


@asynccontextmanager
async def _client(url: str) -> AsyncIterator[RedisClient]:
    client = RedisClient.from_url(url, socket_timeout=ADMIN_TIMEOUT_S, client_name=OWN_NAME)
    try:
        yield client
    finally:
        await client.aclose()
