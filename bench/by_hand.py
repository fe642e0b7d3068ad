"""The hand-written loops: toxiproxy-python cuts, a request meets the cut, and one query judges."""

from __future__ import annotations

import asyncio

import asyncpg
import requests
from toxiproxy import Toxiproxy

from bench.proxied import ProxiedService
from harness.errors import HarnessError
from harness.polling import poll_async
from harness.target import Delivery

DELIVERY_WITHIN_S = 30.0
COUNT = "SELECT count(*) FROM deliveries WHERE id = $1 AND encode(sha256(body), 'hex') = $2"
WAITS = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'deliveries'::regclass)"
LOOK_INTERVAL_S = 0.001


class ByHand:
    """The simplest: it cuts all idle connections, and then delivers. The loop's own connections stay open."""

    def __init__(self, service: ProxiedService, runner: asyncio.Runner) -> None:
        self._service = service
        self._runner = runner
        self._http = requests.Session()
        self._database = runner.run(asyncpg.connect(service.admin_url))
        toxiproxy = Toxiproxy()
        toxiproxy.update_api_consumer(service.api.host, service.api.port)
        self._proxy = toxiproxy.get_proxy(service.proxy)

    def close(self) -> None:
        """Close its connections."""
        self._http.close()
        self._runner.run(self._database.close())

    def play(self, faults: int) -> None:
        """Break this many deliveries. Raises HarnessError if one was lost or doubled."""
        for _ in range(faults):
            delivery = self._service.deliveries.next()
            acknowledged = self._runner.run(self._break(delivery))
            rows = self._runner.run(self._database.fetchval(COUNT, delivery.id, delivery.digest))
            if rows > 1 or (acknowledged and not rows):
                raise HarnessError(f"delivery {delivery.id}: acknowledged {acknowledged}, stored {rows} times")

    async def _break(self, delivery: Delivery) -> bool:
        self._cut()
        return self._deliver(delivery)

    def _cut(self) -> None:
        with self._proxy.down():
            pass  # every open connection is closed; the next one is accepted

    def _deliver(self, delivery: Delivery) -> bool:
        outgoing = self._service.request(delivery)
        url, headers = f"{self._service.url}{outgoing.path}", dict(outgoing.headers)
        answer = self._http.post(url, headers=headers, data=outgoing.body, timeout=DELIVERY_WITHIN_S)
        return answer.status_code == 200


class ByHandInFlight(ByHand):
    """Like the sweep: it cuts during the INSERT, which a lock on the table holds."""

    def __init__(self, service: ProxiedService, runner: asyncio.Runner) -> None:
        super().__init__(service, runner)
        self._holder = runner.run(asyncpg.connect(service.admin_url))

    def close(self) -> None:
        """Also end the session that holds the lock."""
        self._runner.run(self._holder.close())
        super().close()

    async def _break(self, delivery: Delivery) -> bool:
        async with self._holder.transaction():
            await self._holder.execute("LOCK TABLE deliveries IN EXCLUSIVE MODE")
            answer = asyncio.create_task(asyncio.to_thread(self._deliver, delivery))
            if not await poll_async(self._waits, within_s=DELIVERY_WITHIN_S, interval_s=LOOK_INTERVAL_S):
                raise HarnessError(f"delivery {delivery.id}: its INSERT never waited for the lock")
            self._cut()
        return await answer

    async def _waits(self) -> bool:
        return bool(await self._database.fetchval(WAITS))
