"""Lays one service's links: a role, a database, a Redis database and a proxy each, of its own."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg

from harness.faults.site import LaidLink
from harness.scenario.testbed import REDIS_DATABASES, TEMPLATE, Testbed
from harness.stack.addresses import HostPort
from harness.stack.databases import create_database, create_role, drop_database, drop_role
from harness.vocabulary import Link, Postgres, Redis


@asynccontextmanager
async def laid_links(bed: Testbed) -> AsyncIterator[Mapping[str, LaidLink]]:
    """Lay every link of the target; whatever was made is dropped at the end."""
    number = next(bed.numbers)
    links: dict[str, LaidLink] = {}
    async with AsyncExitStack() as owned:
        for name, described in bed.target.description.links.items():
            if described.protocol == "postgres":
                links[name] = await owned.enter_async_context(_postgres(bed, Postgres(name), number))
            else:
                links[name] = await owned.enter_async_context(_redis(bed, Redis(name), number, described.remembers))
        yield links


@asynccontextmanager
async def _postgres(bed: Testbed, link: Link, number: int) -> AsyncIterator[LaidLink]:
    server = bed.stack.postgres
    name, password = f"{link.name}_{number}", secrets.token_hex(12)
    admin = await asyncpg.connect(server.url())
    try:
        await create_role(admin, name, password=password)
        await create_database(admin, name, owner=name, template=TEMPLATE if bed.has_template else None)
    finally:
        await admin.close()
    try:
        await _hand_over(server.url(database=name), name)
        async with _proxy(bed, link, number, HostPort(server.host, server.port)) as (proxy, port):
            words = {"host": "127.0.0.1", "port": str(port), "user": name, "password": password, "database": name}
            words["url"] = f"postgresql://{name}:{password}@127.0.0.1:{port}/{name}"
            yield LaidLink(
                link=link, proxy=proxy, host="127.0.0.1", port=port, words=words,
                upstream=HostPort(server.host, server.port), admin_url=server.url(database=name), log=server.log,
            )  # fmt: skip
    finally:
        await _drop(server.url(), name)


async def _hand_over(url: str, role: str) -> None:
    """Give what the template's owner made to the service's own role, so that it may change it."""
    admin = await asyncpg.connect(url)
    try:
        if await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", TEMPLATE):
            await admin.execute(f'REASSIGN OWNED BY "{TEMPLATE}" TO "{role}"')
    finally:
        await admin.close()


async def _drop(admin_url: str, name: str) -> None:
    admin = await asyncpg.connect(admin_url)
    try:
        await drop_database(admin, name)
        await drop_role(admin, name)
    finally:
        await admin.close()


@asynccontextmanager
async def _redis(bed: Testbed, link: Link, number: int, remembers: str | None) -> AsyncIterator[LaidLink]:
    server = bed.stack.redis
    database = number % REDIS_DATABASES
    async with _proxy(bed, link, number, HostPort(server.host, server.port)) as (proxy, port):
        words = {"host": "127.0.0.1", "port": str(port), "database": str(database), "prefix": f"{link.name}_{number}:"}
        words["url"] = f"redis://127.0.0.1:{port}/{database}"
        yield LaidLink(
            link=link, proxy=proxy, host="127.0.0.1", port=port, words=words,
            upstream=HostPort(server.host, server.port), admin_url=server.url(db=database), log=server.log,
            remembers=remembers,
        )  # fmt: skip


@asynccontextmanager
async def _proxy(bed: Testbed, link: Link, number: int, upstream: HostPort) -> AsyncIterator[tuple[str, int]]:
    with bed.stack.toxiproxy.client() as client:
        proxy = await asyncio.to_thread(client.create, f"{link.name}-{number}", upstream)
        try:
            yield proxy.name, proxy.listen.port
        finally:
            await asyncio.to_thread(client.delete, proxy.name)
