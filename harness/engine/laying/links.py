"""Lays one service's links: a role, a database, a Redis database, a proxy and a hop each, of its own.

The hop of the relay is nearest the service: service, relay, Toxiproxy, server.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.engine.laying.owned import HOST, own_database, own_keys
from harness.engine.laying.testbed import Testbed
from harness.engine.laying.tls import authority, mode
from harness.faults.site import LaidLink
from harness.relay import RelayControl
from harness.stack.addresses import HostPort
from harness.target.description import LinkDescription
from harness.vocabulary import Link, Postgres, Redis


def proxies_left(bed: Testbed) -> Collection[str]:
    """The names of the target's proxies that are there: of a run that is over, none. Raises HarnessError."""
    links = bed.target.description.links
    names = ((name, *name.rpartition("-")) for name in bed.stack.toxiproxy.client().names())
    return [name for name, link, _, number in names if link in links and number.isdecimal()]


def _proxy_name(link: Link, number: int) -> str:
    return f"{link.name}-{number}"


@asynccontextmanager
async def laid_links(bed: Testbed, relay: RelayControl) -> AsyncIterator[Mapping[str, LaidLink]]:
    """Lay every link of the target; whatever was made is dropped at the end."""
    number = next(bed.numbers)
    links: dict[str, LaidLink] = {}
    async with AsyncExitStack() as owned:
        for name, described in bed.target.description.links.items():
            if described.protocol == "postgres":
                laid = _postgres(bed, relay, Postgres(name), number, described)
            else:
                laid = _redis(bed, relay, Redis(name), number, described)
            links[name] = await owned.enter_async_context(laid)
        yield links


@asynccontextmanager
async def _postgres(
    bed: Testbed, relay: RelayControl, link: Link, number: int, described: LinkDescription
) -> AsyncIterator[LaidLink]:
    server = bed.stack.postgres
    upstream = HostPort(server.host, server.port)
    async with (
        own_database(bed, f"{link.name}_{number}") as own,
        _way(bed, relay, _proxy_name(link, number), described, upstream) as way,
    ):
        yield LaidLink(
            link=link, hop=way.hop, host=HOST, port=way.port, proxy=way.proxy, proxy_port=way.proxy_port,
            words=own.words(way.port, way.ca_file), upstream=upstream, admin_url=own.admin_url, log=server.log,
            tls=described.tls,
        )  # fmt: skip


@asynccontextmanager
async def _redis(
    bed: Testbed, relay: RelayControl, link: Link, number: int, described: LinkDescription
) -> AsyncIterator[LaidLink]:
    server = bed.stack.redis
    upstream = HostPort(server.host, server.port)
    async with (
        own_keys(bed, link.name, number, alone=True) as own,
        _way(bed, relay, _proxy_name(link, number), described, upstream) as way,
    ):
        yield LaidLink(
            link=link, hop=way.hop, host=HOST, port=way.port, proxy=way.proxy, proxy_port=way.proxy_port,
            words=own.words(way.port, way.ca_file), upstream=upstream, admin_url=own.admin_url, log=server.log,
            remembers=described.remembers, tls=described.tls,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """What a link's bytes pass on their way to the server."""

    hop: str
    port: int
    proxy: str
    proxy_port: int
    ca_file: Path | None


@asynccontextmanager
async def _way(
    bed: Testbed, relay: RelayControl, name: str, described: LinkDescription, upstream: HostPort
) -> AsyncIterator[_Way]:
    client = bed.stack.toxiproxy.client()
    try:
        # Not in a thread: an interruption would leave it behind there, and the proxy with it.
        proxy = client.create(name, upstream)
        # The relay takes its hop down itself when the run's control of it ends.
        hop = await relay.lay(name, protocol=described.protocol, upstream=proxy.listen, tls=mode(described))
        ca_file = await authority(bed.folder, relay, described)
        yield _Way(hop=hop.name, port=hop.port, proxy=proxy.name, proxy_port=proxy.listen.port, ca_file=ca_file)
    finally:
        await asyncio.to_thread(client.delete, name)
