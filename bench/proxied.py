"""A service that reaches its servers through Toxiproxy and stays up."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from bench.services import START_WITHIN_S, logged_port
from harness.addresses import HostPort
from harness.engine.laying.links import LANE, laid_links
from harness.engine.laying.testbed import Testbed
from harness.engine.workload.deliveries import Deliveries, of_one_size
from harness.errors import HarnessError
from harness.faults.site import LaidLink
from harness.polling import poll
from harness.processes.keeper import KeptProcess, ProcessSpec
from harness.relay import RelayControl
from harness.stack.toxiproxy.client import parse_api_url
from harness.target import Delivery, OutgoingRequest


@dataclass(frozen=True, slots=True)
class ProxiedService:
    """`proxy`: Toxiproxy's name for the way to its database. `admin_url`: of that database, past Toxiproxy."""

    bed: Testbed
    url: str
    proxy: str
    admin_url: str
    deliveries: Deliveries

    @property
    def api(self) -> HostPort:
        """Where Toxiproxy is controlled."""
        return parse_api_url(self.bed.stack.toxiproxy.api_url)

    def request(self, delivery: Delivery) -> OutgoingRequest:
        """Build and sign the request, now."""
        return self.bed.target.sender.request(delivery)


@asynccontextmanager
async def proxied_service(bed: Testbed, relay: RelayControl) -> AsyncIterator[ProxiedService]:
    """Start one, with a database of its own, made as a lane's of the sweep is."""
    number = next(bed.numbers)
    async with AsyncExitStack() as owned:
        links = await owned.enter_async_context(laid_links(bed, relay, number, LANE))
        words: dict[str, str] = {}
        for name, link in links.items():
            words |= {f"{name}.{word}": value for word, value in _through_toxiproxy(bed, link).items()}
        spec = ProcessSpec(
            name="service",
            argv=bed.target.command(words),
            env=bed.environment(words, bed.target.settings(bed.target.description.default_profile, ())),
            cwd=bed.target.directory,
            log=bed.logs / f"proxied-{number}.log",
        )
        process = bed.stack.keeper.spawn(spec)
        owned.push_async_callback(asyncio.to_thread, process.stop)
        port = await _listening(process, logged_port(bed.target))
        stored = links[bed.target.description.stored.link]
        yield ProxiedService(bed, f"http://127.0.0.1:{port}", stored.hop, stored.admin_url, of_one_size(str(number)))


def _through_toxiproxy(bed: Testbed, link: LaidLink) -> Mapping[str, str]:
    """The link's words with a proxy's port in place of the relay's."""
    proxy = bed.stack.toxiproxy.client().create(link.hop, link.upstream)
    relayed, proxied = f"127.0.0.1:{link.words['port']}", str(proxy.listen)
    return {**link.words, "port": str(proxy.listen.port), "url": link.words["url"].replace(relayed, proxied)}


async def _listening(process: KeptProcess, expression: str) -> int:
    found = await poll(lambda: re.search(expression, process.log.read()), within_s=START_WITHIN_S)
    if found is None:
        raise HarnessError(f"a service did not listen within {START_WITHIN_S:g} s:\n{process.log.tail()}")
    return int(found["port"])
