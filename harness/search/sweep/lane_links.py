"""Lays the links of one lane: parts of the servers of its own, and hops straight to them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from harness.engine.laying.owned import OwnKeys, own_database, own_keys
from harness.engine.laying.testbed import Testbed
from harness.engine.laying.tls import authority, mode
from harness.relay import ProtocolName, RelayControl
from harness.stack.addresses import HostPort
from harness.target.description import LinkDescription


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLink:
    """One link of a lane. `admin_url`: the harness's own way to the server, past the relay. `keys`: of a Redis link."""

    name: str
    protocol: ProtocolName
    hop: str
    words: Mapping[str, str]
    admin_url: str
    keys: OwnKeys | None = None


@asynccontextmanager
async def lane_links(bed: Testbed, relay: RelayControl, number: int) -> AsyncIterator[Mapping[str, LaneLink]]:
    """Lay every link of the target; whatever was made on the servers is dropped at the end."""
    async with AsyncExitStack() as owned:
        links: dict[str, LaneLink] = {}
        for name, described in bed.target.description.links.items():
            lay = _postgres if described.protocol == "postgres" else _redis
            links[name] = await owned.enter_async_context(lay(bed, relay, name, number, described))
        yield links


@asynccontextmanager
async def _postgres(
    bed: Testbed, relay: RelayControl, link: str, number: int, described: LinkDescription
) -> AsyncIterator[LaneLink]:
    server = bed.stack.postgres
    # A lane reconnects at every other cell.
    async with own_database(bed, f"{link}_{number}", cheap_scram=True) as own:
        upstream = HostPort(server.host, server.port)
        hop = await relay.lay(f"{link}-{number}", protocol="postgres", upstream=upstream, tls=mode(described))
        words = own.words(hop.port, await authority(bed.folder, relay, described))
        yield LaneLink(name=link, protocol="postgres", hop=hop.name, words=words, admin_url=own.admin_url)


@asynccontextmanager
async def _redis(
    bed: Testbed, relay: RelayControl, link: str, number: int, described: LinkDescription
) -> AsyncIterator[LaneLink]:
    server = bed.stack.redis
    async with own_keys(bed, link, number, alone=False) as own:
        upstream = HostPort(server.host, server.port)
        hop = await relay.lay(f"{link}-{number}", protocol="redis", upstream=upstream, tls=mode(described))
        words = own.words(hop.port, await authority(bed.folder, relay, described))
        yield LaneLink(name=link, protocol="redis", hop=hop.name, words=words, admin_url=own.admin_url, keys=own)
