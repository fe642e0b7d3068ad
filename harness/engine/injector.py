"""Injects faults into one running service, and heals them. It records both, and the faults' evidence."""

from __future__ import annotations

import dataclasses
import functools
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from harness.engine.observing.moments import Observer
from harness.engine.observing.servers.sessions import Sessions
from harness.engine.observing.service.probes import Probed
from harness.engine.stops import MachineLacksError, ScenarioStop, not_started
from harness.errors import UsageError
from harness.faults.clients.callers import Callers
from harness.faults.fault import Fault, FaultFired, Injection, Need, own
from harness.faults.messages.timing import Armed, AtMessage, TimedFault, Trigger, WhenSeen
from harness.faults.site import Site
from harness.history import Recorder
from harness.history.events import EvidenceSeen, FaultActed, FaultHealed, MachineLacks, MessageMet
from harness.polling import poll_async
from harness.stack.service.start import ServiceStartError
from harness.vocabulary import Link, Message, Moment, Value

Names: TypeAlias = tuple[tuple[str, str], ...]
"""(source, id) of deliveries."""
IDS_TO_COME = 200
MOMENT_INTERVAL_S = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class InForce:
    """A fault that is injected and not healed yet."""

    number: int
    fault: Value
    injection: Injection


class Starts(Protocol):
    """Looks at starts of the service that a fault replaces: see `phases.starts`."""

    async def began(self) -> None:
        """Look at a process that has just started."""

    async def before_another(self, in_force: Sequence[Value]) -> None:
        """Look at the running process before another replaces it. `in_force`: faults that stay in force."""


class Injector:
    """Faults of one running service, from their injection until they are healed.

    `lacking`: returns why the machine or the stack cannot provide what a fault needs; None if it can. `to_come`:
    returns the names of the next deliveries. `sample`: called with the faults in force before one of them is healed.
    `probed`: reads the service's metrics, if it may have some. `starts`: looks at each start of the service before a
    fault replaces it by another.
    """

    def __init__(
        self,
        site: Site,
        sessions: Sessions,
        recorder: Recorder,
        *,
        lacking: Callable[[Need], str | None],
        to_come: Callable[[int], Names],
        sample: Callable[[Sequence[tuple[Value, Injection]]], Awaitable[None]],
        probed: Callable[[], Awaitable[Probed | None]] | None = None,
        starts: Starts | None = None,
    ) -> None:
        self._site = site
        self._recorder = recorder
        self._lacking = lacking
        self._to_come = to_come
        self._sample = sample
        self._starts = starts
        self._in_force: list[InForce] = []
        self._injected = 0
        self.observer = Observer(site, sessions, recorder, self._injection_of, probed)
        """Observes moments. Events count since the last fault was injected or healed."""

    @property
    def in_force(self) -> Sequence[InForce]:
        """The faults that are injected and not healed yet, the oldest first."""
        return tuple(self._in_force)

    async def inject(self, faults: Sequence[Fault]) -> Sequence[InForce]:
        """Inject faults, in this order. Raises MachineLacksError, and ScenarioStop if the service does not start."""
        self.observer.mark()
        return [await self.inject_one(fault) for fault in faults]

    async def inject_one(self, fault: Fault, callers: Callers | None = None) -> InForce:
        """Inject a fault, at once or at the moment that it names; see `act`."""
        self._check_needs(fault)
        return await self.act(fault, functools.partial(self._injection, fault), callers)

    async def act(
        self, fault: Value, injection: Callable[[Site], Injection], callers: Callers | None = None
    ) -> InForce:
        """Let an action act that is healed like a fault. `callers`: the clients that it may end; None: all."""
        self._injected += 1
        number = self._injected
        known = InForce(number, fault, injection(self._site_for(number, callers)))
        # Before it acts: what acted halfway is healed too.
        self._in_force.append(known)
        if known.injection.starts_anew:
            await self.before_another_start(known)
        began_ns = time.monotonic_ns()
        try:
            await known.injection.act()
        except ServiceStartError as problem:
            raise not_started(self._recorder, problem) from problem
        finally:  # a fault that failed halfway counts as acted: the service may feel part of it
            now_ns = time.monotonic_ns()
            acted = FaultActed(number, fault, round((now_ns - began_ns) / 1e6, 3))
            self._recorder.record("fault", acted, t_ns=now_ns)
        if known.injection.starts_anew and self._starts is not None:
            await self._starts.began()
        return known

    def _injection(self, fault: Fault, site: Site) -> Injection:
        """The injection: it acts at once, or at the moment for which it is armed."""
        injection = fault.injection(site)
        if not isinstance(fault, TimedFault) or fault.at is None:
            return injection
        return Armed(self.trigger(fault.at, site), injection)

    def trigger(self, moment: Moment, site: Site) -> Trigger:
        """The trigger that waits for a moment: the relay, which holds a message, or a look that is repeated."""
        if isinstance(moment, Message):
            return AtMessage(moment, site)
        since = self.observer.marks()

        async def reached() -> bool:
            return (await self.observer.look(moment, since)).reached

        async def come() -> None:
            await poll_async(reached, within_s=math.inf, interval_s=MOMENT_INTERVAL_S)

        async def seen() -> str:
            return (await self.observer.look(moment, since)).seen

        return WhenSeen(come, seen)

    def _check_needs(self, fault: Fault) -> None:
        needs = sorted(fault.needs)
        if fault.needs_own_server and isinstance(link := getattr(fault, "link", None), Link):
            needs.append(own(self._site.stack_server(link)))
        for need in needs:
            self.require(need)

    def require(self, need: Need) -> None:
        """Raise MachineLacksError, and record why, if the machine or the stack cannot provide the fault's needs."""
        reason = self._lacking(need)
        if reason is not None:
            self._recorder.record("runner", MachineLacks(need, reason))
            raise MachineLacksError(need, reason)

    def _site_for(self, number: int, callers: Callers | None) -> Site:
        def witness(
            what: str, source: str, detail: str, *, t_ns: int | None = None, at: MessageMet | None = None,
            deliveries: tuple[str, ...] = (),
        ) -> None:  # fmt: skip
            self._recorder.record("fault", EvidenceSeen(number, what, source, detail, at, deliveries), t_ns=t_ns)

        to_come = self._to_come(IDS_TO_COME)
        callers = callers or self._site.callers
        return dataclasses.replace(self._site, witness=witness, ids_to_come=to_come, callers=callers)

    async def before_heal(self) -> None:
        """Sample the service's health under the faults in force, if that disturbs nothing."""
        await self._sample([(known.fault, known.injection) for known in self._in_force])

    async def heal_these(self, faults: Sequence[Fault]) -> None:
        """Heal faults by their values, in this order. Raises UsageError for one that is not in force."""
        await self.before_heal()
        self.observer.mark()
        for fault in faults:
            found = next((known for known in reversed(self._in_force) if known.fault == fault), None)
            if found is None:
                known = [repr(other.fault) for other in self._in_force]
                raise UsageError.at("heal", "fault", repr(fault), "is not in force", valid=known)
            await self.heal(found)

    async def heal_block(self, injected: Sequence[InForce]) -> None:
        """Heal the faults that a block injected, the newest first. The block itself may have healed some of them."""
        try:
            if any(known in self._in_force for known in injected):
                await self.before_heal()
        finally:
            await self._heal_those(injected)

    async def _heal_those(self, injected: Sequence[InForce]) -> None:
        self.observer.mark()
        for known in reversed(injected):
            if known in self._in_force:
                await self.heal(known)

    async def heal(self, known: InForce) -> None:
        """Heal one fault. Raises ScenarioStop if the service does not start again."""
        try:
            if known.injection.starts_anew:
                await self.before_another_start(known)
        finally:
            await self._heal(known)

    async def before_another_start(self, by: InForce | None = None) -> None:
        """Look at the service's process before another start replaces it. `by`: the step or fault that replaces it."""
        if self._starts is not None:
            others = [each for each in self._in_force if each is not by and not each.injection.starts_anew]
            await self._starts.before_another([each.fault for each in others])

    async def _heal(self, known: InForce) -> None:
        began_ns = time.monotonic_ns()
        try:
            instead = await known.injection.instead()
        finally:  # the fault is healed even if something breaks while it is in force
            await self._undo(known, began_ns)
        self._record_healed(known, began_ns, instead)

    def _record_healed(self, known: InForce, began_ns: int, instead: str = "") -> None:
        now_ns = time.monotonic_ns()
        healed = FaultHealed(known.number, instead, round((now_ns - began_ns) / 1e6, 3))
        self._recorder.record("fault", healed, t_ns=now_ns)

    async def _undo(self, known: InForce, began_ns: int) -> None:
        try:
            await known.injection.heal()
        except ServiceStartError as problem:
            # The fault is gone, and the service does not come back: its own failure, and a second try would only wait.
            self._in_force.remove(known)
            self._record_healed(known, began_ns)
            raise not_started(self._recorder, problem) from problem
        self._in_force.remove(known)

    async def heal_all(self) -> None:
        """Heal every fault that is still in force, the newest first. If one fails, continue, then raise all errors.

        If the service does not come back, the history says so.
        """
        problems: list[Exception] = []
        for known in list(reversed(self._in_force)):
            try:
                await self.heal(known)
            except ScenarioStop:
                continue
            except Exception as problem:  # noqa: BLE001  # the others must be healed too; raised below
                problems.append(problem)
        if problems:
            raise ExceptionGroup("faults could not be healed", problems)

    def _injection_of(self, moment: FaultFired) -> Injection | None:
        return next((known.injection for known in reversed(self._in_force) if known.fault == moment.fault), None)
