"""Lays one service's links: a role, a database, a Redis database, a proxy and a hop each, of its own.

The hop of the relay is nearest the service: service, relay, Toxiproxy, server.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg
from redis.asyncio import Redis as RedisClient

from harness.faults.site import ADMIN_TIMEOUT_S, OWN_NAME, LaidLink
from harness.scenario.testbed import REDIS_DATABASES, TEMPLATE, Testbed
from harness.stack import RedisServer
from harness.stack.addresses import HostPort
from harness.stack.databases import create_database, create_role, drop_database, drop_role
from harness.vocabulary import Link, Postgres, Redis
from harness.wire import ProtocolName, RelayControl

KEYS_AT_ONCE = 500


@asynccontextmanager
async def laid_links(bed: Testbed, relay: RelayControl) -> AsyncIterator[Mapping[str, LaidLink]]:
    """Lay every link of the target; whatever was made is dropped at the end."""
    number = next(bed.numbers)
    links: dict[str, LaidLink] = {}
    async with AsyncExitStack() as owned:
        for name, described in bed.target.description.links.items():
            if described.protocol == "postgres":
                links[name] = await owned.enter_async_context(_postgres(bed, relay, Postgres(name), number))
            else:
                laid = _redis(bed, relay, Redis(name), number, described.remembers)
                links[name] = await owned.enter_async_context(laid)
        yield links


@asynccontextmanager
async def _postgres(bed: Testbed, relay: RelayControl, link: Link, number: int) -> AsyncIterator[LaidLink]:
    server = bed.stack.postgres
    name, password = f"{link.name}_{number}", secrets.token_hex(12)
    try:
        await _create(server.url(), name, password, template=TEMPLATE if bed.has_template else None)
        await _hand_over(server.url(database=name), name)
        async with _way(bed, relay, f"{link.name}-{number}", "postgres", HostPort(server.host, server.port)) as way:
            words = {"host": "127.0.0.1", "port": str(way.port), "user": name, "password": password, "database": name}
            words["url"] = f"postgresql://{name}:{password}@127.0.0.1:{way.port}/{name}"
            yield LaidLink(
                link=link, hop=way.hop, host="127.0.0.1", port=way.port,
                proxy=way.proxy, proxy_port=way.proxy_port, words=words,
                upstream=HostPort(server.host, server.port), admin_url=server.url(database=name), log=server.log,
            )  # fmt: skip
    finally:
        await _drop(server.url(), name)


async def _create(admin_url: str, name: str, password: str, *, template: str | None) -> None:
    admin = await asyncpg.connect(admin_url, timeout=ADMIN_TIMEOUT_S)
    try:
        await create_role(admin, name, password=password)
        await create_database(admin, name, owner=name, template=template)
    finally:
        await admin.close()


async def _hand_over(url: str, role: str) -> None:
    """Give what the template's owner made to the service's own role, so that it may change it."""
    admin = await asyncpg.connect(url, timeout=ADMIN_TIMEOUT_S)
    try:
        if await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", TEMPLATE):
            await admin.execute(f'REASSIGN OWNED BY "{TEMPLATE}" TO "{role}"')
    finally:
        await admin.close()


async def _drop(admin_url: str, name: str) -> None:
    admin = await asyncpg.connect(admin_url, timeout=ADMIN_TIMEOUT_S)
    try:
        await drop_database(admin, name)
        await drop_role(admin, name)
    finally:
        await admin.close()


@asynccontextmanager
async def _redis(
    bed: Testbed, relay: RelayControl, link: Link, number: int, remembers: str | None
) -> AsyncIterator[LaidLink]:
    server = bed.stack.redis
    database = number % REDIS_DATABASES
    prefix = f"{link.name}_{number}:"
    try:
        async with _way(bed, relay, f"{link.name}-{number}", "redis", HostPort(server.host, server.port)) as way:
            words = {"host": "127.0.0.1", "port": str(way.port), "database": str(database), "prefix": prefix}
            words["url"] = f"redis://127.0.0.1:{way.port}/{database}"
            yield LaidLink(
                link=link, hop=way.hop, host="127.0.0.1", port=way.port,
                proxy=way.proxy, proxy_port=way.proxy_port, words=words,
                upstream=HostPort(server.host, server.port), admin_url=server.url(db=database), log=server.log,
                remembers=remembers,
            )  # fmt: skip
    finally:
        await _forget(server, database, prefix)


async def _forget(server: RedisServer, database: int, prefix: str) -> None:
    """Empty the database for the next run; on a server given by URL, of this run's own keys only."""
    client = RedisClient.from_url(server.url(db=database), socket_timeout=ADMIN_TIMEOUT_S, client_name=OWN_NAME)
    try:
        if server.process is not None:
            await client.flushdb()
            return
        async for key in client.scan_iter(match=f"{prefix}*", count=KEYS_AT_ONCE):
            await client.unlink(key)
    finally:
        await client.aclose()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """What a link's bytes pass on their way to the server."""

    hop: str
    port: int
    proxy: str
    proxy_port: int


@asynccontextmanager
async def _way(
    bed: Testbed, relay: RelayControl, name: str, protocol: ProtocolName, upstream: HostPort
) -> AsyncIterator[_Way]:
    client = bed.stack.toxiproxy.client()
    try:
        # Not in a thread: an interruption would leave it behind there, and the proxy with it.
        proxy = client.create(name, upstream)
        # The relay takes its hop down itself when the run's control of it ends.
        hop = await relay.lay(name, protocol=protocol, upstream=proxy.listen)
        yield _Way(hop=hop.name, port=hop.port, proxy=proxy.name, proxy_port=proxy.listen.port)
    finally:
        await asyncio.to_thread(client.delete, name)
