"""The parts of a run around the scenario itself: steady state, recovery, rest, rows."""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from collections.abc import Sequence

import httpx

from harness.checks.exchanges import AGAIN_MAX, by_delivery
from harness.engine.laying.tls import never_agreed, told_with_tls
from harness.engine.observing.connects import connects_peak
from harness.engine.observing.probes import Probed
from harness.engine.observing.relayed import sends_per_request
from harness.engine.observing.sessions import Sessions
from harness.engine.steps import Expect
from harness.engine.stops import ScenarioStop
from harness.engine.workload import Answer, Clients, Errand
from harness.errors import HarnessError
from harness.faults.site import Site
from harness.history import Recorder
from harness.history.events import (
    AtRest,
    FigureRead,
    Healthy,
    NotRecovered,
    NotSteady,
    Purpose,
    Recovered,
    RowsRead,
    StoredRow,
    UnhandledLogged,
    rest_name,
)
from harness.polling import poll_async
from harness.protocols.postgres.words import Postgres
from harness.stack.http import service_client
from harness.target import Delivery, Target
from harness.vocabulary import ACKNOWLEDGED, REFUSED, ConnectsPeak, Figure, Metric, SendsPerRequest

WARM_AT_ONCE = 5
HEALTHY_ANSWERS = 5
RECOVERY_INTERVAL_S = 0.05
AGAIN_AT_ONCE = 8
TASKS_SLACK = 2


def looked_at(target: Target) -> tuple[str, ...]:
    """The names of everything that `Phases.rest` looks at."""
    description = target.description
    links = [name for name, link in description.links.items() if link.protocol == "postgres"]
    probes = description.probes
    named = {} if probes is None else {
        "checked_out": probes.checked_out, "tasks": probes.tasks, "descriptors": probes.descriptors,
    }  # fmt: skip
    servers = [rest_name(what, name) for name in links for what in ("connections", "busy connections")]
    return (*servers, *(what for what, metric in named.items() if metric))


class Phases:
    """Everything that the runner does around a scenario."""

    def __init__(self, target: Target, site: Site, clients: Clients, sessions: Sessions, recorder: Recorder) -> None:
        self._target = target
        self._site = site
        self._clients = clients
        self._sessions = sessions
        self._recorder = recorder

    async def _send(self, delivery: Delivery, purpose: Purpose) -> Answer:
        return await self._clients.send(delivery, Errand(purpose=purpose))

    async def steady(self, *, measure: bool) -> None:
        """Reach steady state: some at once, some one after the other, all acknowledged.

        Before the scenario, where it measures, the first round that is acknowledged as a whole counts, up
        to the target's deadline for recovery: on a busy machine a cold service may turn its first
        requests away. After the scenario the first round counts. Raises ScenarioStop, with a NotSteady
        in the history, when it is not reached.
        """
        within_s = self._target.description.limits.recovery_s if measure else 0.0
        healthy: Sequence[Answer] = ()
        refused = ""

        async def reached() -> bool:
            nonlocal healthy, refused
            healthy, refused = await self._round()
            return not refused or not self._site.service.running

        await poll_async(reached, within_s=within_s, interval_s=RECOVERY_INTERVAL_S)
        if refused:
            reason = await told_with_tls(self._site.relay, self._site.hops, refused) if measure else refused
            self._recorder.record("runner", NotSteady(reason))
            raise ScenarioStop
        if measure:
            await self._until_tls_is_agreed()
            await self._until_at_ease()
            median_ms = statistics.median(answer.took_ms for answer in healthy)
            self._recorder.record("runner", Healthy(round(median_ms, 3), len(healthy)))

    async def _round(self) -> tuple[Sequence[Answer], str]:
        """Send a round; return the answers of those sent one by one, and what of all was not acknowledged."""
        burst = [self._send(self._clients.delivery(), Purpose.WARM) for _ in range(WARM_AT_ONCE)]
        warm = await asyncio.gather(*burst)
        healthy = [await self._send(self._clients.delivery(), Purpose.HEALTHY) for _ in range(HEALTHY_ANSWERS)]
        answers = [*warm, *healthy]
        bad = [answer for answer in answers if answer.outcome != ACKNOWLEDGED]
        return healthy, f"{len(bad)} of {len(answers)}: {_said(bad[0])}" if bad else ""

    async def _until_tls_is_agreed(self) -> None:
        """Send until there is no link on which TLS has failed and nothing was said, up to the target's deadline."""
        within_s = self._target.description.limits.recovery_s
        problem = ""

        async def agreed() -> bool:
            nonlocal problem
            problem = await never_agreed(self._site.relay, self._site.hops)
            if problem:
                await self._send(self._clients.delivery(), Purpose.WARM)
            return not problem

        if not await poll_async(agreed, within_s=within_s, interval_s=RECOVERY_INTERVAL_S):
            self._recorder.record("runner", NotSteady(f"after {within_s:g} s {problem}"))
            raise ScenarioStop

    async def _until_at_ease(self) -> None:
        """Send until the metrics that the target names have come down, up to its deadline."""
        probes = self._target.description.probes
        if probes is None or not probes.at_ease:
            return
        within_s = self._target.description.limits.recovery_s
        above = ""

        async def at_ease() -> bool:
            nonlocal above
            probed = await self.probe()
            if probed is None:
                return False
            seen = {name: probed.get(name) for name in probes.at_ease}
            above = ", ".join(f"{name} is {seen[name]:g}" for name, most in probes.at_ease.items() if seen[name] > most)
            if above:
                await self._send(self._clients.delivery(), Purpose.WARM)
            return not above

        if not await poll_async(at_ease, within_s=within_s, interval_s=RECOVERY_INTERVAL_S):
            self._recorder.record("runner", NotSteady(f"after {within_s:g} s {above or 'the service has ended'}"))
            raise ScenarioStop

    async def recover(self) -> None:
        """Send until one is acknowledged, up to the target's deadline."""
        within_s = self._target.description.limits.recovery_s
        began_ns = time.monotonic_ns()
        last = "nothing was answered"

        async def acknowledged() -> bool:
            nonlocal last
            answer = await self._send(self._clients.delivery(), Purpose.RECOVERY)
            last = _said(answer)
            return answer.outcome == ACKNOWLEDGED

        if await poll_async(acknowledged, within_s=within_s, interval_s=RECOVERY_INTERVAL_S):
            self._recorder.record("runner", Recovered(round((time.monotonic_ns() - began_ns) / 1e6, 1)))
            return
        self._recorder.record("runner", NotRecovered(within_s, last))
        raise ScenarioStop

    async def send_again(self) -> None:
        """Send again what was acknowledged or left unknown; at most AGAIN_MAX of them, evenly chosen."""
        again = self._to_send_again()
        turn = asyncio.Semaphore(AGAIN_AT_ONCE)

        async def one(delivery: Delivery) -> None:
            async with turn:
                await self._send(delivery, Purpose.AGAIN)

        await asyncio.gather(*(one(delivery) for delivery in again))

    def _to_send_again(self) -> Sequence[Delivery]:
        found = by_delivery(self._recorder.history)
        wanted = [
            self._clients.sent[delivery] for delivery, sent in found.items() if any(e.outcome != REFUSED for e in sent)
        ]
        kept = min(len(wanted), AGAIN_MAX)
        return [wanted[place * len(wanted) // kept] for place in range(kept)]

    async def probe(self) -> Probed | None:
        """Read the service's own metrics, where it offers them."""
        probes = self._target.description.probes
        if probes is None or not self._site.service.running:
            return None
        async with service_client(base_url=self._site.service.base_url, timeout=5.0) as client:
            try:
                answer = await client.get(probes.metrics)
            except httpx.HTTPError as problem:
                if self._site.service.process.poll() is not None:
                    return None  # it has ended meanwhile, which another check minds
                raise HarnessError(f"the service's {probes.metrics} cannot be read: {problem!r}") from problem
        return Probed.parse(answer.text, pid=self._site.service.process.pid)

    async def figures(self, expectations: Sequence[Expect], before: Probed | None) -> None:
        """Read the figures that the scenario limits."""
        if not expectations:
            return
        after = await self.probe()
        for expect in expectations:
            seen = await self._figure(expect.figure, before, after)
            self._recorder.record("runner", FigureRead(expect.figure, seen, expect.at_most, expect.at_least))

    async def _figure(self, figure: Figure, before: Probed | None, after: Probed | None) -> float:
        if isinstance(figure, SendsPerRequest):
            return await sends_per_request(self._site, figure.link, self._recorder.history)
        if isinstance(figure, ConnectsPeak):
            return connects_peak(self._site, figure, self._recorder.history)
        if not isinstance(figure, Metric) or before is None or after is None:
            raise HarnessError(f"{figure!r} cannot be read", hint="give the target a [probes] metrics path")
        if before.pid != after.pid:
            problem = f"{figure!r} cannot be read: the service was started again, and counts from 0 since then"
            raise HarnessError(problem, hint="expect a figure where the service's process is left alone")
        name, labels = figure.name, dict(figure.pairs())
        return after.get(name, labels) - before.get(name, labels)

    async def rest(self, before: Probed | None) -> None:
        """Wait until nothing is left over, up to the target's deadline; record what is there then."""
        within_s = self._target.description.limits.recovery_s
        last: list[AtRest] = []

        async def at_rest() -> bool:
            last[:] = [*await self._connections(), *self._leaks(before, await self.probe())]
            return all(rest.seen <= rest.at_most for rest in last)

        await poll_async(at_rest, within_s=within_s)
        for rest in last:
            self._recorder.record("runner", rest)

    async def _connections(self) -> list[AtRest]:
        limit = self._target.description.limits.connections
        found: list[AtRest] = []
        for name, laid in self._site.links.items():
            if not isinstance(laid.link, Postgres):
                continue
            rows = await self._sessions.fetch(
                laid.link,
                "SELECT count(*), count(*) FILTER (WHERE state <> 'idle') FROM pg_stat_activity WHERE usename = $1",
                laid.words["user"],
            )
            found += [
                AtRest("connections", rows[0][0], limit, name),
                AtRest("busy connections", rows[0][1], 0, name),
            ]
        return found

    def _leaks(self, before: Probed | None, after: Probed | None) -> list[AtRest]:
        probes = self._target.description.probes
        if probes is None or before is None or after is None:
            return []
        found: list[AtRest] = []
        if probes.checked_out:
            found.append(AtRest("checked_out", after.get(probes.checked_out), 0))
        if probes.tasks:
            found.append(AtRest("tasks", after.get(probes.tasks), before.get(probes.tasks) + TASKS_SLACK))
        if probes.descriptors:
            room = self._target.description.limits.descriptors_growth
            found.append(AtRest("descriptors", after.get(probes.descriptors), before.get(probes.descriptors) + room))
        return found

    async def rows(self) -> None:
        """Read everything that is stored."""
        stored = self._target.description.stored
        found = await self._sessions.fetch(self._site.links[stored.link].link, stored.sql)
        counted: dict[tuple[str, str], int] = {}
        for row in found:
            key = (str(row["id"]), str(row["digest"]))
            counted[key] = counted.get(key, 0) + 1
        rows = tuple(StoredRow(name, digest, copies) for (name, digest), copies in counted.items())
        self._recorder.record("runner", RowsRead(rows))

    def unhandled(self) -> None:
        """Look through the service's whole log for exceptions that nobody handled."""
        expression = re.compile(self._target.description.service.unhandled)
        for line in self._site.service.log.read().splitlines():
            if expression.search(line):
                self._recorder.record("service", UnhandledLogged(line[:300]))


def _said(answer: Answer) -> str:
    words = answer.body[:200].decode("utf-8", "replace")
    return f"{answer.delivery_id} {answer.outcome} (status {answer.status}) {words}".strip()
