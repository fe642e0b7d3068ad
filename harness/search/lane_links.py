"""Lays the links of one lane: a role, a database, a Redis database and hops of its own, straight to the servers."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg
from redis.asyncio import Redis as RedisClient

from harness.faults.site import ADMIN_TIMEOUT_S, OWN_NAME
from harness.scenario.testbed import REDIS_DATABASES, TEMPLATE, Testbed
from harness.search.places import Protocol
from harness.stack.addresses import HostPort
from harness.stack.databases import create_database, create_role, drop_database, drop_role
from harness.wire import RelayControl

CHEAP_SCRAM = "SET scram_iterations = 1"
"""A lane reconnects at every other cell, and 4,096 rounds of SHA-256 in Python are most of that. The messages are
the same, to the byte but for the number."""
SCRAM_CAN_BE_CHEAP = 160_000
KEYS_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLink:
    """One link of a lane. `admin_url`: the harness's own way to the server, past the relay."""

    name: str
    protocol: Protocol
    hop: str
    words: Mapping[str, str]
    admin_url: str


@asynccontextmanager
async def lane_links(bed: Testbed, relay: RelayControl, number: int) -> AsyncIterator[Mapping[str, LaneLink]]:
    """Lay every link of the target; whatever was made on the servers is dropped at the end."""
    async with AsyncExitStack() as owned:
        links: dict[str, LaneLink] = {}
        for name, described in bed.target.description.links.items():
            lay = _postgres if described.protocol == "postgres" else _redis
            links[name] = await owned.enter_async_context(lay(bed, relay, name, number))
        yield links


@asynccontextmanager
async def _postgres(bed: Testbed, relay: RelayControl, link: str, number: int) -> AsyncIterator[LaneLink]:
    server = bed.stack.postgres
    name, password = f"{link}_{number}", secrets.token_hex(12)
    try:
        await _create(server.url(), name, password, template=TEMPLATE if bed.has_template else None)
        await _hand_over(server.url(database=name), name)
        hop = await relay.lay(f"{link}-{number}", protocol="postgres", upstream=HostPort(server.host, server.port))
        words = {"host": "127.0.0.1", "port": str(hop.port), "user": name, "password": password, "database": name}
        words["url"] = f"postgresql://{name}:{password}@127.0.0.1:{hop.port}/{name}"
        admin_url = server.url(database=name)
        yield LaneLink(name=link, protocol="postgres", hop=hop.name, words=words, admin_url=admin_url)
    finally:
        await _drop(server.url(), name)


async def _create(admin_url: str, name: str, password: str, *, template: str | None) -> None:
    admin = await asyncpg.connect(admin_url, timeout=ADMIN_TIMEOUT_S)
    try:
        if int(await admin.fetchval("SELECT current_setting('server_version_num')")) >= SCRAM_CAN_BE_CHEAP:
            await admin.execute(CHEAP_SCRAM)
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
async def _redis(bed: Testbed, relay: RelayControl, link: str, number: int) -> AsyncIterator[LaneLink]:
    server = bed.stack.redis
    database, prefix = number % REDIS_DATABASES, f"{link}_{number}:"
    hop = await relay.lay(f"{link}-{number}", protocol="redis", upstream=HostPort(server.host, server.port))
    words = {"host": "127.0.0.1", "port": str(hop.port), "database": str(database), "prefix": prefix}
    words["url"] = f"redis://127.0.0.1:{hop.port}/{database}"
    try:
        yield LaneLink(name=link, protocol="redis", hop=hop.name, words=words, admin_url=server.url(db=database))
    finally:
        await forget(server.url(db=database), prefix)


async def forget(admin_url: str, prefix: str) -> None:
    """Remove a lane's own keys: another lane may have the same database."""
    client = RedisClient.from_url(admin_url, socket_timeout=ADMIN_TIMEOUT_S, client_name=OWN_NAME)
    try:
        async for key in client.scan_iter(match=f"{prefix}*", count=KEYS_AT_ONCE):
            await client.unlink(key)
    finally:
        await client.aclose()
