"""One lane of a sweep: a service with its own links, which tries one cell after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cached_property

from harness.engine.configuration import RunConfiguration
from harness.engine.laying.building import FOR_SWEEP, built_rig
from harness.engine.laying.testbed import Testbed
from harness.engine.observing.cores import Cores, processes_of
from harness.engine.rig import Rig
from harness.engine.variants.approved import Approved
from harness.engine.variants.asking import ask_variants
from harness.engine.workload.clients import Answer, Errand, reading
from harness.engine.workload.contract import Contract
from harness.errors import HarnessError
from harness.faults.site import LaidLink
from harness.history import Recorder
from harness.history.events import Purpose
from harness.polling import poll
from harness.protocols.contract.search import SEARCHED
from harness.relay import RelayControl
from harness.results import RunKey
from harness.search.sweep.lane_cores import LaneCores
from harness.search.sweep.reports import LaneReports
from harness.stack.service.service import ServiceProcess
from harness.stack.service.start import LOG_TAIL_LINES, in_one_line
from harness.target import Delivery
from harness.vocabulary import CONFIRMED, Outcome

GONE_WITHIN_S = 0.3
"""The harness knows this soon after a connection's end if the service has ended."""


class EndedError(HarnessError):
    """The service ended by itself. This is a failure of the service, not of the harness.

    `last_words`: the last lines of its log, without the frames of a traceback.
    """

    last_words = ""


class Lane:
    """Used from one event loop. `opened` makes one, and ends it."""

    def __init__(self, bed: Testbed, number: int, rig: Rig, reports: LaneReports) -> None:
        self.bed = bed
        self.number = number
        self.site = rig.site
        self.reports = reports
        self._rig = rig
        self._log_read = 0

    @cached_property
    def cores(self) -> LaneCores:
        """Records whether slow cells had enough cores."""
        return LaneCores(Cores(lambda: processes_of(self.site, self.bed), self.bed.harness))

    @cached_property
    def contract(self) -> Contract:
        """Sends the contract beside the cells' deliveries."""
        return Contract(self._rig, one_by_one=True)

    @property
    def relay(self) -> RelayControl:
        """The control connection to the relay."""
        return self.site.relay

    @property
    def service(self) -> ServiceProcess:
        """The service that this lane drives."""
        return self.site.service

    @property
    def with_transactions(self) -> Sequence[LaidLink]:
        """The links whose protocol has transactions."""
        links = self.site.links.values()
        return [laid for laid in links if SEARCHED.of(laid.link.protocol).transactions is not None]

    @property
    def ever_sent(self) -> dict[str, Delivery]:
        """Every delivery that was sent on the lane, by its id."""
        return self._rig.clients.sent

    def new_rig(self) -> Rig:
        """Return the lane's rig with a new history in memory. It also records the service's own events."""
        self.reports.recorder = Recorder()
        return self._rig.recording(self.reports.recorder)

    def go_on_with(self, rig: Rig | None) -> None:
        """From now on record the service's own events in this rig's history; None: do not record them."""
        self.reports.recorder = None if rig is None else rig.recorder

    async def answers(self) -> Approved:
        """Send every variant of the target's requests, and return its answer, by the variant's name."""
        return {asked.name: asked.answer for asked in await ask_variants(self._rig)}

    def make(self) -> Delivery:
        """Make the next delivery."""
        return self._rig.clients.deliveries.next()

    async def deliver(
        self, rig: Rig, delivery: Delivery, purpose: Purpose, *, expected: Outcome | None = None, reads: bool = False
    ) -> Answer:
        """Send a delivery, or ask for its stored state (`reads`), and wait for the answer."""
        errand = Errand(purpose=purpose, expected=expected)
        if reads:
            errand = reading(purpose, self.bed.target.main_read, expected=expected)
        answer = await rig.clients.send(delivery, errand)
        if answer.broken_off:
            # The service may be ending: wait a moment, so that its end is in this cell's history.
            await poll(lambda: self.service.process.poll() is not None, within_s=GONE_WITHIN_S)
        return answer

    async def acknowledges(self) -> bool:
        """Whether the service acknowledges a delivery, while nothing is broken."""
        answer = await self.deliver(self.new_rig(), self.make(), Purpose.WARM)
        return answer.outcome in CONFIRMED

    async def check_alive(self) -> None:
        """Raise EndedError if the service has ended by itself since the last call."""
        if self.service.running:
            await poll(lambda: self.service.process.poll() is not None, within_s=GONE_WITHIN_S)
        died, self.reports.died = self.reports.died, None
        if died is not None:
            ended = EndedError(f"the service ended by itself with status {died.status}", hint="see its log")
            ended.last_words = in_one_line(self.service.log.tail(LOG_TAIL_LINES))
            raise ended

    async def make_fresh(self) -> None:
        """Cut every connection to the servers; the next request has to open new ones."""
        await asyncio.gather(*(self.relay.cut_all(hop) for hop in self.site.hops.values()))

    def new_log_lines(self) -> Sequence[str]:
        """Return the whole lines that the service has logged since the last call."""
        text = self.service.log.read(self._log_read)
        whole = text[: text.rfind("\n") + 1]
        self._log_read += len(whole.encode())
        return whole.splitlines()


@asynccontextmanager
async def opened(bed: Testbed, relay: RelayControl, configuration: RunConfiguration) -> AsyncIterator[Lane]:
    """Build a lane's rig and start its service. Raises ServiceStartError."""
    number = next(bed.numbers)
    key = RunKey(f"lane-{number}", configuration.profile, configuration.without)
    reports = LaneReports()
    built = built_rig(
        bed, relay, key, configuration, Recorder(), number=number, service_ended=reports.service_ended, build=FOR_SWEEP
    )
    async with AsyncExitStack() as owned:
        rig = await owned.enter_async_context(built)
        reports.hops = frozenset(rig.site.hops.values())
        owned.callback(relay.on_report(reports.relayed))
        await rig.start()
        yield Lane(bed, number, rig, reports)


__all__ = ["EndedError", "Lane", "opened"]
