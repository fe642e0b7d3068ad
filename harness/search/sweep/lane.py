"""One lane of a sweep: a service of its own, behind hops of its own, and two clients that never meet another's."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from harness.engine.laying.building import PATIENCE_BEYOND_DEADLINE_S, service_spec
from harness.engine.laying.links import LANE, laid_links
from harness.engine.laying.testbed import Testbed
from harness.errors import HarnessError
from harness.faults.site import LaidLink
from harness.history.events import Purpose, ServiceEnded, StoredRow
from harness.polling import poll, poll_async
from harness.processes.keeper import KeptProcess
from harness.protocols.contract.access import ADMIN_TIMEOUT_S, OWN_NAME
from harness.relay import Ended, Fired, RelayControl, Report
from harness.results import RunKey
from harness.search.sweep.cell_history import CellHistory
from harness.search.sweep.deliveries import DeliveryMaker, read_request
from harness.search.sweep.http import LaneClient, Reply
from harness.stack.service import ServiceProcess
from harness.target import Delivery
from harness.vocabulary import ANY_OUTCOME, Outcome

CLIENTS = 3
"""As many as may send at once."""
READ_OF = "read of "
GONE_WITHIN_S = 0.3
"""A service that ends is known to be gone that soon after its connection ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneSettings:
    """What all lanes of a sweep have in common. `folder`: where logs and histories go."""

    profile: str
    without: tuple[str, ...]
    seed: int
    folder: Path
    patience_s: float | None = None


class Lane:
    """Used from one event loop. `opened` makes one, and takes it away."""

    def __init__(
        self,
        bed: Testbed,
        relay: RelayControl,
        links: Mapping[str, LaidLink],
        clients: Sequence[LaneClient],
        database: asyncpg.Connection[asyncpg.Record],
        *,
        number: int,
        settings: LaneSettings,
    ) -> None:
        self.bed = bed
        self.relay = relay
        self.links = links
        self.number = number
        self.make = DeliveryMaker(settings.seed, number)
        self.history: CellHistory | None = None
        """Of the cell under way: what the service does by itself is told there."""
        self.ends = 0
        """How many of the lane's connections to its servers have ended so far."""
        self.fired: dict[str, Fired] = {}
        self.sent: dict[str, str] = {}
        """The digest of every delivery that was ever sent, by its id."""
        self._hops = {link.hop for link in links.values()}
        self._clients = clients
        self._database = database
        key = RunKey(f"lane-{number}", settings.profile, settings.without)
        words = {f"{name}.{word}": value for name, link in links.items() for word, value in link.words.items()}
        # Nobody answers a lane's system calls, so none is reported.
        spec = dataclasses.replace(service_spec(bed, key, settings.folder, words), watch_connects=False)
        self.service = ServiceProcess(bed.stack.keeper, spec, self._gone)
        self.unhandled = re.compile(bed.target.description.service.unhandled)
        self._log_read = 0

    @property
    def hops(self) -> Mapping[str, str]:
        """The relay's name for each link."""
        return {name: link.hop for name, link in self.links.items()}

    def _gone(self, process: KeptProcess, status: int, asked_by: str) -> None:
        if self.history is not None:
            self.history.record("service", ServiceEnded(process.pid, status, asked_by))

    def heard(self, report: Report) -> None:
        """Take in what the relay tells of the lane's hops."""
        if report.hop not in self._hops:
            return
        if isinstance(report, Ended):
            self.ends += 1
        elif isinstance(report, Fired):
            self.fired[report.rule] = report

    async def deliver(
        self,
        delivery: Delivery,
        purpose: Purpose,
        history: CellHistory,
        *,
        expected: Outcome | None = None,
        client: int = 0,
    ) -> Reply:
        """Send a delivery, and wait for the answer."""
        self.sent[delivery.id] = delivery.digest
        number = history.sent(delivery, purpose, expected)
        reply = await self._clients[client].send(self.service.port, self.bed.target.sender.request(delivery))
        await self._known_to_be_gone(reply)
        history.ended(number, reply)
        return reply

    async def read(
        self,
        delivery: Delivery,
        purpose: Purpose,
        history: CellHistory,
        *,
        expected: Outcome | None = None,
        client: int = 0,
    ) -> Reply:
        """Ask for what is stored of a delivery. Raises HarnessError where the target does not say how."""
        path = self.bed.target.description.stored.read
        if path is None:
            raise HarnessError("the target does not say how a delivery is read", hint="give [stored] a `read` path")
        number = history.sent(delivery, purpose, expected, name=name_of_read(delivery))
        reply = as_read(await self._clients[client].send(self.service.port, read_request(path, delivery)))
        await self._known_to_be_gone(reply)
        history.ended(number, reply)
        return reply

    async def _known_to_be_gone(self, reply: Reply) -> None:
        """Where a connection broke, the service may be ending: wait a moment, so that it is known."""
        if reply.status is None and "answer" not in (reply.problem or ""):
            await poll(lambda: self.service.process.poll() is not None, within_s=GONE_WITHIN_S)

    async def make_fresh(self) -> None:
        """Cut every connection to the servers; the next request has to open new ones."""
        await asyncio.gather(*(self.relay.cut_all(hop) for hop in self._hops))

    def new_log_lines(self) -> Sequence[str]:
        """What the service has logged since the last call: whole lines."""
        text = self.service.log.read(self._log_read)
        whole = text[: text.rfind("\n") + 1]
        self._log_read += len(whole.encode())
        return whole.splitlines()

    async def stored(self, ids: Sequence[str] | None = None) -> Sequence[StoredRow]:
        """Read what is stored: of some deliveries, or all of it."""
        sql = self.bed.target.description.stored.sql.rstrip().rstrip(";")
        query = f"SELECT id::text, digest::text, count(*)::int FROM ({sql}) AS stored"  # noqa: S608  # the target's own SQL
        if ids is None:
            rows = await self._database.fetch(f"{query} GROUP BY 1, 2")
        else:
            rows = await self._database.fetch(f"{query} WHERE id::text = ANY($1) GROUP BY 1, 2", list(ids))
        return [StoredRow(*row) for row in rows]

    async def busy(self, at_most: int = 0) -> int:
        """Wait until no more of the service's sessions than that are busy; return how many are."""
        user = self._stored_on.words["user"]
        sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND state <> 'idle'"
        last = 0

        async def at_rest() -> bool:
            nonlocal last
            last = int(await self._database.fetchval(sql, user))
            return last <= at_most

        await poll_async(at_rest, within_s=self.bed.target.description.limits.recovery_s)
        return last

    async def sessions(self) -> int:
        """How many sessions the service has on its database."""
        user = self._stored_on.words["user"]
        return int(await self._database.fetchval("SELECT count(*) FROM pg_stat_activity WHERE usename = $1", user))

    async def waiting_for_locks(self) -> int:
        """How many of the service's sessions wait for a lock that another session holds."""
        user = self._stored_on.words["user"]
        sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND cardinality(pg_blocking_pids(pid)) > 0"
        return int(await self._database.fetchval(sql, user))

    async def ask(self, sql: str, *arguments: Any) -> Any:
        """Ask the service's database one value, as superuser."""
        return await self._database.fetchval(sql, *arguments)

    @property
    def _stored_on(self) -> LaidLink:
        return self.links[self.bed.target.description.stored.link]


def name_of_read(delivery: Delivery) -> str:
    """What stands for a delivery's id where it is read: answers to reads are compared with each other."""
    return f"{READ_OF}{delivery.id}"


def is_read(name: str) -> bool:
    """Whether a request was a read, by what stands for its delivery's id."""
    return name.startswith(READ_OF)


def as_read(reply: Reply) -> Reply:
    """Label a read's answer: a 4xx says that nothing is stored, a 5xx says nothing."""
    if reply.status is None:
        return Reply(outcome=Outcome.UNKNOWN, took_ms=reply.took_ms, problem=reply.problem)
    outcome = {2: Outcome.ACKNOWLEDGED, 4: Outcome.REFUSED}.get(reply.status // 100, Outcome.UNKNOWN)
    return Reply(outcome=outcome, took_ms=reply.took_ms, status=reply.status, body=reply.body, problem=reply.problem)


@asynccontextmanager
async def opened(bed: Testbed, relay: RelayControl, settings: LaneSettings) -> AsyncIterator[Lane]:
    """Lay a lane's links and start its service. Raises ServiceStartError."""
    number = next(bed.numbers)
    deadline_s = bed.target.description.limits.request_deadline_ms / 1e3
    patience_s = settings.patience_s or deadline_s + PATIENCE_BEYOND_DEADLINE_S
    async with AsyncExitStack() as owned:
        links = await owned.enter_async_context(laid_links(bed, relay, number, LANE))
        labels = bed.target.labels
        clients = [await owned.enter_async_context(LaneClient(labels, patience_s=patience_s)) for _ in range(CLIENTS)]
        database = await owned.enter_async_context(_session(links[bed.target.description.stored.link]))
        lane = Lane(bed, relay, links, clients, database, number=number, settings=settings)
        owned.callback(relay.on_report(lane.heard))
        owned.push_async_callback(lane.service.end)
        await lane.service.start()
        yield lane


@contextlib.asynccontextmanager
async def _session(link: LaidLink) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    names = {"application_name": OWN_NAME}
    session = await asyncpg.connect(link.admin_url, timeout=ADMIN_TIMEOUT_S, server_settings=names)
    try:
        yield session
    finally:
        await session.close(timeout=ADMIN_TIMEOUT_S)


__all__ = ["ANY_OUTCOME", "Lane", "LaneSettings", "as_read", "is_read", "name_of_read", "opened"]
