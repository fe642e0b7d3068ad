"""Performs steps, whether they come from Python's lab or from a schedule file."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeAlias

from harness.capability import PROMETHEUS
from harness.engine.copying import MoreCopies, RollingChange
from harness.engine.injector import MOMENT_INTERVAL_S, InForce, Injector
from harness.engine.observing.service.health import HealthSampling
from harness.engine.observing.service.probes import probe
from harness.engine.phases.figures import before_a_block, record_figures
from harness.engine.phases.starts import EarlierStarts
from harness.engine.restarting import OtherStart
from harness.engine.rig import Rig
from harness.engine.steps import (
    Alerts,
    Contract,
    Copies,
    Deliver,
    Expect,
    Heal,
    Inject,
    Limits,
    Prepare,
    Request,
    Restart,
    Roll,
    Starts,
    Step,
    Supervised,
    Traffic,
    Until,
    Variants,
    Wait,
)
from harness.engine.stops import ScenarioStop, not_started
from harness.engine.supervising import Supervisor
from harness.engine.tasks import at_once, owned, results
from harness.engine.variants.asking import record_variants
from harness.engine.workload.clients import Answer, Errand
from harness.engine.workload.contract import Contract as Contracted
from harness.engine.workload.hanging_up import HangUpWhen
from harness.engine.workload.load import Load
from harness.engine.workload.load_steps import Arrivals, Capacity, ComesBack, has_an_end
from harness.engine.workload.requests import scenario_requests
from harness.errors import UsageError
from harness.faults.clients.callers import Callers
from harness.faults.clients.hang_up import HangUp
from harness.faults.fault import Fault, Injection, Need
from harness.faults.site import Site
from harness.history import History
from harness.history.events import (
    FaultActed,
    MomentMissed,
    MomentReached,
    Named,
    Purpose,
    RequestSent,
)
from harness.polling import poll_async
from harness.protocols.contract.probes import MomentState
from harness.stack.service.start import ServiceStartError
from harness.target import Delivery
from harness.vocabulary import Message, Moment

End = Callable[[], Awaitable[object]]
"""Ends a step that lasts as long as a block, and returns the step's result."""
Sending: TypeAlias = Deliver | Traffic | Request | Arrivals | Capacity | ComesBack


class Performer:
    """Acts on one running service and records what it does.

    `lacking`: returns why the machine or the stack cannot provide what a fault needs; None if it can.
    """

    def __init__(self, rig: Rig, *, lacking: Callable[[Need], str | None]) -> None:
        self._rig = rig
        self._site = rig.site
        self._clients = rig.clients
        self._recorder = rig.recorder
        self.contract = Contracted(rig)
        self.health = HealthSampling(rig)
        self.starts = EarlierStarts(rig)
        self.faults = Injector(
            rig.site, rig.sessions, rig.recorder, lacking=lacking,
            to_come=rig.clients.deliveries.names_to_come, sample=self.health.before_heal,
            probed=functools.partial(probe, rig.target, rig.site.service), starts=self.starts,
        )  # fmt: skip
        self.expectations: list[Expect] = []
        self._load = Load(rig)

    @property
    def site(self) -> Site:
        """The site on which this run's faults act."""
        return self._site

    @property
    def history(self) -> History:
        """The history so far."""
        return self._recorder.history

    async def perform(self, step: Step) -> object:
        """Do a step to its end.

        Raises ScenarioStop if the scenario cannot go on, UsageError for a step that makes no sense.
        """
        match step:
            case Until(moment, within_s=within_s):
                await self._until(moment, within_s)
            case Wait(seconds):
                await asyncio.sleep(seconds)  # the step itself: time passes, for the reason that it gives
            case Inject(faults):
                await self.faults.inject(faults)
            case Heal(faults):
                await self.faults.heal_these(faults)
            case Restart():
                await self._restart(step)
            case Expect():
                self.expect(step)
            case Deliver() | Arrivals() | Capacity() | Prepare() | Roll() | Starts() | Variants():
                has_an_end(step)
                return await (await self.begin(step))()
            case Request():
                return await self._request(step)
            case Contract(slow=slow):
                await self.contract.ask_all(broken=self._broken, slow=slow)
            case _:
                raise UsageError.at(
                    "lab", "step", step.kind, "cannot be awaited", mend=f"async with lab.{step.kind}(...)"
                )
        return None

    def expect(self, step: Expect) -> None:
        """Register a figure that is judged at the end of the scenario."""
        self.expectations.append(step)

    async def begin(self, step: Step) -> End:
        """Begin a step that lasts as long as a block; return a function that ends it.

        Raises UsageError if it cannot last.
        """
        match step:
            case Deliver() | Traffic() | Request() | Arrivals() | Capacity() | ComesBack():
                return await self._begin_sending(step)
            case Prepare() | Starts() | Variants() | Copies() | Roll() | Supervised():
                return await self._begin_processes(step)
            case Limits():
                return functools.partial(record_figures, self._rig, [step], await before_a_block(self._rig))
            case Alerts():
                self.faults.require(PROMETHEUS)
                return await self._beside(step, functools.partial(self._rig.alerting.begin, step))
            case Inject(faults):
                injected = await self.faults.inject(faults)
                return functools.partial(self.faults.heal_block, injected)
            case _:
                raise UsageError.at("lab", "step", step.kind, "cannot be a block", mend=f"await lab.{step.kind}(...)")

    async def _begin_sending(self, step: Sending) -> End:
        end = await self._begin_requests(step)
        self.starts.sending += 1

        async def ended() -> object:
            try:
                return await end()
            finally:
                self.starts.sending -= 1

        return ended

    async def _begin_requests(self, step: Sending) -> End:
        match step:
            case Deliver():
                return await self._deliver(step)
            case Traffic():
                return self._traffic(step)
            case Request():
                return functools.partial(results, [asyncio.create_task(self._request(step))])
            case _:
                return await self._load.begin(step)

    async def _deliver(self, step: Deliver) -> End:
        if step.hang_up_at is not None:
            return await self._deliver_and_hang_up(step, step.hang_up_at)
        return functools.partial(results, [asyncio.create_task(request) for request in self._requests(step)])

    def _requests(self, step: Deliver, callers: Callers | None = None) -> Sequence[Coroutine[Any, Any, Answer]]:
        errand = Errand(
            purpose=Purpose.SCENARIO, expected=step.expect, slower_ms_max=step.slower_ms_max, callers=callers
        )
        deliveries = [self._clients.deliveries.next() for _ in range(step.n)]
        return [self._clients.send(each, errand) for each in deliveries for _ in range(step.copies)]

    async def _deliver_and_hang_up(self, step: Deliver, at: Moment) -> End:
        """Make the step's clients hang up.

        At a message, one client after the other, so that each message is the client's own.
        """
        callers = Callers()
        hanging = await self._begin_hang_up(at, callers)
        requests = self._requests(step, callers)

        async def in_turn() -> Sequence[Answer]:
            return [await request for request in requests]

        sending = asyncio.create_task(in_turn() if isinstance(at, Message) else at_once(requests))

        async def end() -> Sequence[Answer]:
            try:
                async with owned([sending]):
                    return await sending
            finally:
                if hanging in self.faults.in_force:
                    await self.faults.heal(hanging)

        return end

    async def _begin_hang_up(self, moment: Moment, callers: Callers) -> InForce:
        """Make those callers hang up at the moment. This is a fault, which leaves evidence like any other."""
        if isinstance(moment, Message):
            return await self.faults.inject_one(HangUp(moment), callers)
        named = Named(f"hang_up_at={moment!r}")
        trigger = self.faults.trigger(moment, self._site)
        return await self.faults.act(named, lambda site: HangUpWhen(moment, trigger, site), callers)

    @property
    def _broken(self) -> bool:
        """Whether a fault is in force, or the service has not recovered yet from a healed one."""
        faults = [acted.fault for acted in self.history.of(FaultActed)]
        return any(not isinstance(fault, Fault) or fault.leaves_evidence for fault in faults)

    async def _request(self, step: Request) -> Answer:
        about = None if step.of is None else self._sent_by_scenario(step.of)
        # Like a delivery: a step that expects less than the healthy service owes must say so.
        ask = functools.partial(self.contract.ask, step.name, about, broken=self._broken and step.expect is not None)
        if step.within_ms is not None and step.expect is not None:
            wanted = step.expect

            async def come() -> bool:
                return (await ask(expect=None)).outcome in wanted

            await poll_async(come, within_s=step.within_ms / 1e3, interval_s=MOMENT_INTERVAL_S)
        return await ask(expect=step.expect)

    def _sent_by_scenario(self, index: int) -> Delivery:
        sent = [e.event.delivery for e in scenario_requests(self.history) if isinstance(e.event, RequestSent)]
        names = [name for name in dict.fromkeys(sent) if name in self._clients.sent]
        if not -len(names) <= index < len(names):
            problem = f"the scenario has sent {len(names)} deliveries"
            raise UsageError.at("request", "of", index, problem, mend="count from 0, or from the last with -1")
        return self._clients.sent[names[index]]

    def _traffic(self, step: Traffic) -> End:
        errand = Errand(purpose=Purpose.SCENARIO, expected=step.expect, slower_ms_max=step.slower_ms_max)
        stop = asyncio.Event()

        async def client() -> None:
            while not stop.is_set():
                await self._clients.send(self._clients.deliveries.next(small=step.small), errand)

        tasks = [asyncio.create_task(client()) for _ in range(step.clients)]

        async def end() -> None:
            stop.set()
            await results(tasks)

        return end

    async def _until(self, moment: Moment, within_s: float) -> None:
        last = MomentState(False, "nothing")

        async def look() -> bool:
            nonlocal last
            last = await self.faults.observer.look(moment)
            return last.reached

        if await poll_async(look, within_s=within_s, interval_s=MOMENT_INTERVAL_S):
            self._recorder.record("runner", MomentReached(moment, last.seen))
            return
        self._recorder.record("runner", MomentMissed(moment, moment.claim, within_s, last.seen))
        raise ScenarioStop

    async def _restart(self, step: Restart) -> None:
        # A service that got a signal to stop may report that it is not alive.
        await self._site.asking.hush()
        try:
            other = next((known for known in self.faults.in_force if isinstance(known.injection, OtherStart)), None)
            if not step.is_plain:
                if other is not None and isinstance(other.injection, OtherStart):
                    other.injection.give_way()
                    await self.faults.heal(other)
                await self.faults.act(Named(f"lab.{step!r}"), lambda site: OtherStart(step, self._rig, site))
            elif other is not None:
                await self.faults.heal(other)
            else:
                await self.faults.before_another_start()
                await self._site.service.stop()
                await self._rig.start()
                await self.starts.began()
        except ServiceStartError as problem:
            raise not_started(self._recorder, problem) from problem
        finally:
            self._site.asking.allow()

    async def _beside(self, step: Step, injection: Callable[[Site], Injection]) -> End:
        known = await self.faults.act(Named(f"lab.{step!r}"), injection)
        return functools.partial(self.faults.heal_block, [known])

    async def _begin_processes(self, step: Prepare | Starts | Variants | Copies | Roll | Supervised) -> End:
        match step:
            case Prepare():
                return await self._rig.preparing.begin(step)
            case Starts():
                return functools.partial(self._rig.starts.try_all, self._site.service)
            case Variants():
                return functools.partial(record_variants, self._rig)
            case Copies():
                return await self._beside(step, lambda site: MoreCopies(step.n, self._rig, site))
            case Roll():
                return await self._beside(step, lambda site: RollingChange(self._rig, site))
            case Supervised():
                supervisor = Supervisor(self._rig, step.restarts)
                supervisor.begin()
                return supervisor.end
