"""A service that reaches its servers through Toxiproxy and stays up, and the loop by hand that breaks it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg
import requests
from toxiproxy import Toxiproxy

from bench._services import START_WITHIN_S
from harness.addresses import HostPort
from harness.errors import HarnessError
from harness.keeper import KeptProcess, ProcessSpec
from harness.polling import poll
from harness.scenario.testbed import Testbed
from harness.search.deliveries import DeliveryMaker
from harness.search.lane_links import LaneLink, lane_links
from harness.stack.toxiproxy_client import parse_api_url
from harness.target import Delivery, OutgoingRequest
from harness.wire import RelayControl

DELIVERY_WITHIN_S = 30.0
COUNT = "SELECT count(*) FROM deliveries WHERE id = $1 AND encode(sha256(body), 'hex') = $2"


@dataclass(frozen=True, slots=True)
class ProxiedService:
    """`proxy`: Toxiproxy's name for the way to its database. `admin_url`: of that database, past Toxiproxy."""

    bed: Testbed
    url: str
    proxy: str
    admin_url: str
    make: DeliveryMaker

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
        links = await owned.enter_async_context(lane_links(bed, relay, number))
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
        port = await _listening(process, bed.target.description.service.listening)
        stored = links[bed.target.description.stored.link]
        yield ProxiedService(bed, f"http://127.0.0.1:{port}", stored.hop, stored.admin_url, DeliveryMaker(0, number))


def _through_toxiproxy(bed: Testbed, link: LaneLink) -> Mapping[str, str]:
    """The link's words with a proxy's port in place of the relay's."""
    server = bed.stack.postgres if link.protocol == "postgres" else bed.stack.redis
    proxy = bed.stack.toxiproxy.client().create(link.hop, HostPort(server.host, server.port))
    relayed, proxied = f"127.0.0.1:{link.words['port']}", str(proxy.listen)
    return {**link.words, "port": str(proxy.listen.port), "url": link.words["url"].replace(relayed, proxied)}


async def _listening(process: KeptProcess, expression: str) -> int:
    found = await poll(lambda: re.search(expression, process.log.read()), within_s=START_WITHIN_S)
    if found is None:
        raise HarnessError(f"a service did not listen within {START_WITHIN_S:g} s:\n{process.log.tail()}")
    return int(found["port"])


class ByHand:
    """Cut, deliver, judge by one query: all connections of the loop's own stay open."""

    def __init__(self, service: ProxiedService, runner: asyncio.Runner) -> None:
        self._service = service
        self._runner = runner
        self._http = requests.Session()
        self._database = runner.run(asyncpg.connect(service.admin_url))
        toxiproxy = Toxiproxy()
        toxiproxy.update_api_consumer(service.api.host, service.api.port)
        self._proxy = toxiproxy.get_proxy(service.proxy)

    def close(self) -> None:
        """Let its connections go."""
        self._http.close()
        self._runner.run(self._database.close())

    def play(self, faults: int) -> None:
        """Break so many deliveries. Raises HarnessError where one was lost or doubled."""
        for _ in range(faults):
            delivery = self._service.make()
            with self._proxy.down():
                pass  # every open connection is closed; the next one is accepted
            acknowledged = self._deliver(delivery)
            rows = self._runner.run(self._database.fetchval(COUNT, delivery.id, delivery.digest))
            if rows > 1 or (acknowledged and not rows):
                raise HarnessError(f"delivery {delivery.id}: acknowledged {acknowledged}, stored {rows} times")

    def _deliver(self, delivery: Delivery) -> bool:
        outgoing = self._service.request(delivery)
        url, headers = f"{self._service.url}{outgoing.path}", dict(outgoing.headers)
        answer = self._http.post(url, headers=headers, data=outgoing.body, timeout=DELIVERY_WITHIN_S)
        return answer.status_code == 200
