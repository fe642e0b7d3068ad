"""Lays one service's links: to each its own part of the server, a hop of the relay, and a proxy of Toxiproxy.

The relay's hop is nearest the service: service, relay, Toxiproxy, server. A sweep leaves Toxiproxy out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass

from harness.addresses import HostPort
from harness.engine.laying.names import by_address
from harness.engine.laying.names import words_of as words_of_name
from harness.engine.laying.testbed import Testbed
from harness.engine.laying.tls import authority, mode, words_of
from harness.faults.site import LaidLink, LaidProxy
from harness.protocols.contract.storage import STORAGE, Own, Share
from harness.relay import RelayControl
from harness.stack import Server
from harness.target.sections.link import LinkDescription
from harness.vocabulary import Link


def proxies_left(bed: Testbed) -> Collection[str]:
    """Return which of the target's proxies still exist. After a run there should be none. Raises HarnessError."""
    links = bed.target.description.links
    names = ((name, *name.rpartition("-")) for name in bed.stack.toxiproxy.client().names())
    return [name for name, link, _, number in names if link in links and number.isdecimal()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Laying:
    """How links are laid.

    `via_toxiproxy`: put Toxiproxy between relay and server. Link faults need it; a sweep leaves it out to save time.
    `cheap_login`: make logging in cheap, for a service that reconnects thousands of times. `alone`: no other service
    uses the servers at the same time, so they may be emptied completely. `by_name`: the service uses the harness's name
    server, so that it can reach links by their names.
    """

    via_toxiproxy: bool = True
    cheap_login: bool = False
    alone: bool = True
    by_name: bool = False


SCENARIO = Laying()
LANE = Laying(via_toxiproxy=False, cheap_login=True, alone=False)
"""For a lane of a sweep, which reconnects at every other cell and shares the servers with other lanes."""


@asynccontextmanager
async def laid_links(
    bed: Testbed, relay: RelayControl, number: int, laying: Laying = SCENARIO
) -> AsyncIterator[Mapping[str, LaidLink]]:
    """Lay every link of the target. The block's end removes everything that was made.

    `number` (from `bed.numbers`) distinguishes this service's databases, proxies and hops from another's.
    """
    links: dict[str, LaidLink] = {}
    async with AsyncExitStack() as owned:
        for name, described in bed.target.description.links.items():
            followed = None if described.shares is None else links[described.shares]
            laid = _laid(bed, relay, name, described, number, laying, followed)
            links[name] = await owned.enter_async_context(laid)
        yield links


@asynccontextmanager
async def _laid(
    bed: Testbed, relay: RelayControl, name: str, described: LinkDescription, number: int, laying: Laying,
    followed: LaidLink | None,
) -> AsyncIterator[LaidLink]:  # fmt: skip
    server, called = bed.stack.servers[described.server_name], f"{name}-{number}"
    async with (
        _own(bed, server, name, described, number, laying) if followed is None else nullcontext(followed.own) as own,
        _proxied(bed, called, server.address, laying) as proxied,
    ):
        # The relay closes its hop itself when the run's control connection ends.
        hop = await relay.lay(
            called, protocol=described.protocol, upstream=proxied.listen, tls=mode(described), known_as=described.name
        )
        ca_file = await authority(bed.folder, relay, described)
        words = {**own.words(hop.address, tls=described.tls), **words_of(ca_file)}
        words |= words_of_name(described, own, hop.address)
        yield LaidLink(
            link=Link.from_shorthand(f"{described.protocol}:{name}", place="target description"),
            hop=hop.name, host=hop.address.host, port=hop.port, through=proxied.through,
            words=words if laying.by_name else by_address(words, described),
            name=described.name if laying.by_name else None,
            server=server.name, upstream=server.address, own=own, log=server.log,
            remembers=described.remembers, remembers_s=described.remembers_s, stored=_listing(bed, name),
            tls=described.tls, replica_of=described.replica_of, pool_of=described.pool_of,
            sentinel_of=described.sentinel_of,
        )  # fmt: skip


def _own(
    bed: Testbed, server: Server, name: str, described: LinkDescription, number: int, laying: Laying
) -> AbstractAsyncContextManager[Own]:
    """Make the service's own part of the server."""
    share = Share(
        link=name,
        number=number,
        alone=laying.alone,
        prepared=bed.has_template and not bed.prepares_own,
        cheap_login=laying.cheap_login and bed.cheap_login,
        remembers_s=described.remembers_s,
    )
    return STORAGE.of(described.protocol).own(server, share)


def _listing(bed: Testbed, link: str) -> str | None:
    """The SQL that lists the stored rows, if they are on this link."""
    stored = bed.target.description.stored
    return stored.query if stored.link == link else None


@dataclass(frozen=True, slots=True)
class _Proxied:
    """The port that the relay dials: the proxy's, or without Toxiproxy the server's."""

    listen: HostPort
    through: LaidProxy | None


@asynccontextmanager
async def _proxied(bed: Testbed, name: str, upstream: HostPort, laying: Laying) -> AsyncIterator[_Proxied]:
    if not laying.via_toxiproxy:
        yield _Proxied(upstream, None)
        return
    client = bed.stack.toxiproxy.client()
    try:
        # This does not run in a thread: after an interruption, the thread and its proxy would stay behind.
        proxy = client.create(name, upstream)
        yield _Proxied(proxy.listen, LaidProxy(proxy.name, proxy.listen.port, proxy.listen.host))
    finally:
        await asyncio.to_thread(client.delete, name)
