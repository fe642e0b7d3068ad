"""The fixture `chaos`: where the application connects, faults, moments, the history and the standing checks."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from harness.chaos.checking import CheckRequest, answers, judged, read
from harness.chaos.connects import Connects
from harness.chaos.injecting import ROUND_IT, Injecting, check_fits
from harness.chaos.process import OwnProcess
from harness.chaos.thread import HoldingThread, check_nothing_waits
from harness.checks import CheckResult
from harness.engine.injector import MOMENT_INTERVAL_S, Injector, Names
from harness.engine.laying.links import laid_links
from harness.engine.laying.testbed import Testbed
from harness.engine.observing.servers.sessions import Sessions
from harness.errors import HarnessError, InconclusiveError
from harness.faults.fault import Fault, Injection
from harness.faults.site import LaidLink, Site
from harness.history import History, Recorder
from harness.history.events import MomentMissed, MomentReached
from harness.polling import poll_async
from harness.protocols.contract.probes import MomentState
from harness.vocabulary import ACKNOWLEDGED, Moment, Outcome, Value

SCHEME = re.compile(r"^[\w+]+(?=://)")
PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Place:
    """A server that the application reaches through the relay and Toxiproxy."""

    _laid: LaidLink

    @property
    def url(self) -> str:
        """The address that the application connects to: a database (for Redis its number) that only this test uses."""
        return self._laid.words["url"]

    @property
    def host(self) -> str:
        """The host of the URL."""
        return self._laid.host

    @property
    def port(self) -> int:
        """The port of the URL."""
        return self._laid.port

    @property
    def direct_url(self) -> str:
        """The same database without relay and Toxiproxy, with all privileges, for the test's own queries."""
        return self._laid.admin_url

    def url_for(self, scheme: str) -> str:
        """The URL with another scheme: `chaos.postgres.url_for("postgresql+asyncpg")`, for SQLAlchemy."""
        return SCHEME.sub(scheme, self.url)


class Chaos:
    """The fixture `chaos`. The application may run in this process or in a child process.

    For example::

        async def test_checkout_survives_a_lost_commit(chaos, client):
            async with chaos.inject(wire.cut(postgres.answered("COMMIT"))) as fault:
                answer = await client.post("/orders", json=ORDER)
            assert answer.status_code == 201
            assert fault.fired == 1

    `chaos.postgres` and `chaos.redis` are places: see `Place`.
    """

    def __init__(self, thread: HoldingThread[Testbed], bed: Testbed, connects: Connects) -> None:
        self._thread = thread
        self._bed = bed
        self._connects = connects
        self._recorder = Recorder()
        self._owned = AsyncExitStack()
        self._opened: tuple[Site, Sessions, Injector] | None = None

    def __getattr__(self, name: str) -> Place:
        """The place of a link, by its name."""
        if name.startswith("_") or name not in self._site.links:
            raise AttributeError(f"chaos has no {name!r}; it has {', '.join(self._site.links)}", name=name, obj=self)
        return Place(self._site.links[name])

    async def open(self) -> None:
        """Lay the links, in the harness's own event loop."""
        bed, stack = self._bed, self._bed.stack
        relay = await self._owned.enter_async_context(stack.relay.control())
        number = next(bed.numbers)
        links = await self._owned.enter_async_context(laid_links(bed, relay, number))
        site = Site(
            service=OwnProcess(stack.keeper, bed.folder / f"test-{number}.log", self._connects), links=dict(links),
            servers=dict(stack.servers), relay=relay, relay_pid=stack.relay.process.pid, toxiproxy=stack.toxiproxy,
            witness=_nobody, allow_hosts=bed.allow_hosts, server_changes=bed.server_changes, patience_s=PATIENCE_S,
            leaked=functools.partial(self._recorder.record, "server"),
            failed_over=lambda event, t_ns: self._recorder.record("server", event, t_ns=t_ns),
        )  # fmt: skip
        sessions = await self._owned.enter_async_context(Sessions(site))
        injector = Injector(
            site, sessions, self._recorder, lacking=bed.lacking, to_come=_no_deliveries, sample=_no_health
        )
        self._owned.push_async_callback(injector.heal_all)
        self._opened = site, sessions, injector

    async def close(self) -> None:
        """Heal remaining faults, and remove the test's databases, in the harness's own event loop. Idempotent."""
        await self._owned.aclose()

    @property
    def _parts(self) -> tuple[Site, Sessions, Injector]:
        if self._opened is None:
            raise HarnessError("the test's links are not laid")
        return self._opened

    @property
    def _site(self) -> Site:
        return self._parts[0]

    @property
    def _injector(self) -> Injector:
        return self._parts[2]

    @property
    def history(self) -> History:
        """The history so far: faults, their evidence, moments, and what the test has reported."""
        return self._recorder.history

    def inject(self, *faults: Fault) -> Injecting:
        """Keep faults in force while a block lasts: `async with` in an async test, `with` in another.

        If a fault has left no evidence by the block's end, the test is an error, which says what was seen
        instead. It replaces a failed assertion in the block, because without the fault that assertion proves nothing.

        For example::

            with chaos.inject(link.down(redis)) as fault:
                assert client.post("/orders", json=ORDER).status_code == 201
            assert fault.fired

        Args:
            faults: they are injected in this order, and healed in reverse.

        Raises:
            UsageError: a fault is of a layer that a test does not have.
        """
        for fault in faults:
            check_fits(fault)
        return Injecting(self._thread, self._injector, faults, self._connects, lambda: self.history)

    def until(self, moment: Moment, *, within_s: float = 10) -> None:
        """Wait until a moment has come. States are polled; events count since the last fault began or ended.

        For example::

            chaos.until(postgres.waiting("INSERT"))

        Args:
            moment: of a link, of its server, or `fault.fired(3)`.
            within_s: seconds.

        Raises:
            InconclusiveError: it has not come by then; the test is an error.
            UsageError: an event loop runs here: `await chaos.auntil(...)`.
        """
        __tracebackhide__ = True
        check_nothing_waits("until(...)", "await chaos.auntil(...)")
        _check_reached(moment, within_s, self._thread.call(self._until(moment, within_s)))

    async def auntil(self, moment: Moment, *, within_s: float = 10) -> None:
        """Wait until a moment has come, in an async test.

        For example::

            await chaos.auntil(postgres.waiting("INSERT"))

        Args:
            moment: as for `until`.
            within_s: seconds.

        Raises:
            InconclusiveError: it has not come by then; the test is an error.
        """
        __tracebackhide__ = True
        _check_reached(moment, within_s, await self._thread.awaited(self._until(moment, within_s)))

    async def _until(self, moment: Moment, within_s: float) -> MomentState:
        last = MomentState(False, "nothing")

        async def reached() -> bool:
            nonlocal last
            last = await self._injector.observer.look(moment)
            return last.reached

        if await poll_async(reached, within_s=within_s, interval_s=MOMENT_INTERVAL_S):
            self._recorder.record("runner", MomentReached(moment, last.seen))
        else:
            self._recorder.record("runner", MomentMissed(moment, moment.claim, within_s, last.seen))
        return last

    def answered(self, delivery: str, outcome: Outcome = ACKNOWLEDGED) -> None:
        """Record the answer that a client of the application got, for `check(stored=...)`.

        For example::

            chaos.answered("order-1", REFUSED)

        Args:
            delivery: the id under which it is stored.
            outcome: what the answer means: `ACKNOWLEDGED`, `REFUSED`, `UNKNOWN`, ...
        """
        self._thread.call(answers(self._recorder, delivery, outcome))

    def check(
        self, *, stored: str | None = None, connections: int | None = None, within_s: float = 5
    ) -> Sequence[CheckResult]:
        """Judge by the standing checks what the application left behind.

        No connection may be busy, for example in a transaction; no prepared transaction or advisory lock may remain.
        With `stored`, the rows must agree with `answered`: each acknowledged id is stored once, and no other id is.

        For example::

            chaos.answered("order-1")
            chaos.check(stored="SELECT id FROM orders", connections=5)

        Args:
            stored: SQL that lists one row for each stored copy, with a column `id`.
            connections: how many connections the application may keep on each server that counts them.
            within_s: how many seconds it has to come to rest.

        Raises:
            AssertionError: a check failed; with its sentence.
            UsageError: an event loop runs here: `await chaos.acheck(...)`.
        """
        __tracebackhide__ = True
        check_nothing_waits("check(...)", "await chaos.acheck(...)")
        reading = CheckRequest(stored=stored, connections=connections, within_s=within_s)
        self._thread.call(read(reading, self._site, self._parts[1], self._recorder))
        return judged(reading, self.history)

    async def acheck(
        self, *, stored: str | None = None, connections: int | None = None, within_s: float = 5
    ) -> Sequence[CheckResult]:
        """Judge by the standing checks what the application left behind, in an async test.

        For example::

            chaos.answered("order-1")
            await chaos.acheck(stored="SELECT id FROM orders", connections=5)

        Args:
            stored: as for `check`.
            connections: as for `check`.
            within_s: as for `check`, in seconds.

        Raises:
            AssertionError: a check failed; with its sentence.
        """
        __tracebackhide__ = True
        reading = CheckRequest(stored=stored, connections=connections, within_s=within_s)
        await self._thread.awaited(read(reading, self._site, self._parts[1], self._recorder))
        return judged(reading, self.history)


def _check_reached(moment: Moment, within_s: float, last: MomentState) -> None:
    __tracebackhide__ = True
    if not last.reached:
        raise InconclusiveError(f"{moment!r} did not come in {within_s:g} s; seen: {last.seen}", hint=ROUND_IT)


def _nobody(what: str, source: str, detail: str, **more: object) -> None:  # noqa: ARG001  # a Witness
    raise HarnessError(f"evidence {what} ({source}: {detail}) belongs to no fault")


def _no_deliveries(count: int) -> Names:
    del count
    return ()


async def _no_health(in_force: Sequence[tuple[Value, Injection]]) -> None:
    del in_force
