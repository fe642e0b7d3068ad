"""Lays one service's links: to each a role and database or keys, a hop of the relay, and a proxy of Toxiproxy.

The relay's hop is nearest the service: service, relay, Toxiproxy, server. A sweep leaves Toxiproxy out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from harness.engine.laying.owned import HOST, own_database, own_keys
from harness.engine.laying.testbed import Testbed
from harness.engine.laying.tls import authority, mode
from harness.faults.site import LaidLink, LaidProxy
from harness.protocols.postgres.words import Postgres
from harness.protocols.redis.words import Redis
from harness.relay import RelayControl
from harness.stack.addresses import HostPort
from harness.target.description import LinkDescription
from harness.vocabulary import Link


def proxies_left(bed: Testbed) -> Collection[str]:
    """The names of the target's proxies that are there: of a run that is over, none. Raises HarnessError."""
    links = bed.target.description.links
    names = ((name, *name.rpartition("-")) for name in bed.stack.toxiproxy.client().names())
    return [name for name, link, _, number in names if link in links and number.isdecimal()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Laying:
    """How links are laid.

    `via_toxiproxy`: whether Toxiproxy is between relay and server; link faults need it, a sweep saves the time.
    `cheap_login`: whether logging in is made cheap, for a service that reconnects thousands of times.
    `alone`: whether no other service uses the servers meanwhile, so that its whole Redis database may be emptied.
    """

    via_toxiproxy: bool = True
    cheap_login: bool = False
    alone: bool = True


SCENARIO = Laying()
LANE = Laying(via_toxiproxy=False, cheap_login=True, alone=False)
"""A lane of a sweep reconnects at every other cell, and has others beside it."""


@asynccontextmanager
async def laid_links(
    bed: Testbed, relay: RelayControl, number: int, laying: Laying = SCENARIO
) -> AsyncIterator[Mapping[str, LaidLink]]:
    """Lay every link of the target; whatever was made is dropped at the end.

    `number`, of `bed.numbers`, tells this service's databases, proxies and hops from another's.
    """
    links: dict[str, LaidLink] = {}
    async with AsyncExitStack() as owned:
        for name, described in bed.target.description.links.items():
            if described.protocol == "postgres":
                laid = _postgres(bed, relay, Postgres(name), number, described, laying)
            else:
                laid = _redis(bed, relay, Redis(name), number, described, laying)
            links[name] = await owned.enter_async_context(laid)
        yield links


@asynccontextmanager
async def _postgres(
    bed: Testbed, relay: RelayControl, link: Link, number: int, described: LinkDescription, laying: Laying
) -> AsyncIterator[LaidLink]:
    server = bed.stack.postgres
    upstream = HostPort(server.host, server.port)
    async with (
        own_database(bed, f"{link.name}_{number}", cheap_scram=laying.cheap_login) as own,
        _proxied(bed, f"{link.name}-{number}", upstream, laying) as proxied,
    ):
        # The relay takes its hop down itself when the run's control of it ends.
        hop = await relay.lay(
            f"{link.name}-{number}", protocol="postgres", upstream=proxied.listen, tls=mode(described)
        )
        yield LaidLink(
            link=link, hop=hop.name, host=HOST, port=hop.port, through=proxied.through,
            words=own.words(hop.port, await authority(bed.folder, relay, described)),
            upstream=upstream, admin_url=own.admin_url, log=server.log, tls=described.tls,
        )  # fmt: skip


@asynccontextmanager
async def _redis(
    bed: Testbed, relay: RelayControl, link: Link, number: int, described: LinkDescription, laying: Laying
) -> AsyncIterator[LaidLink]:
    server = bed.stack.redis
    upstream = HostPort(server.host, server.port)
    async with (
        own_keys(bed, link.name, number, alone=laying.alone) as own,
        _proxied(bed, f"{link.name}-{number}", upstream, laying) as proxied,
    ):
        hop = await relay.lay(f"{link.name}-{number}", protocol="redis", upstream=proxied.listen, tls=mode(described))
        yield LaidLink(
            link=link, hop=hop.name, host=HOST, port=hop.port, through=proxied.through,
            words=own.words(hop.port, await authority(bed.folder, relay, described)),
            upstream=upstream, admin_url=own.admin_url, log=server.log, forget=own.forget,
            remembers=described.remembers, tls=described.tls,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Proxied:
    """Where the relay dials: the proxy's port, or without Toxiproxy the server itself."""

    listen: HostPort
    through: LaidProxy | None


@asynccontextmanager
async def _proxied(bed: Testbed, name: str, upstream: HostPort, laying: Laying) -> AsyncIterator[_Proxied]:
    if not laying.via_toxiproxy:
        yield _Proxied(upstream, None)
        return
    client = bed.stack.toxiproxy.client()
    try:
        # Not in a thread: an interruption would leave it behind there, and the proxy with it.
        proxy = client.create(name, upstream)
        yield _Proxied(proxy.listen, LaidProxy(proxy.name, proxy.listen.port))
    finally:
        await asyncio.to_thread(client.delete, name)
