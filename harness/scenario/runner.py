"""Runs one scenario: steady state, the scenario, heal, recovery, rest, rows, judgement.

It does not use pytest. Each run has its own event loop, and its result is plain data.
"""

from __future__ import annotations

import asyncio
import functools
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import uvloop

from harness.engine.configuration import RunConfiguration, run_began
from harness.engine.laying.building import built_rig
from harness.engine.laying.preparing import PrepareError
from harness.engine.laying.testbed import Testbed
from harness.engine.laying.tls import told_with_tls
from harness.engine.observing.cores import cores_recorded, processes_of
from harness.engine.observing.counting import Counting
from harness.engine.observing.servers.crashes import crashes_recorded
from harness.engine.observing.servers.deaths import ended_by_deaths
from harness.engine.observing.servers.effects import record_effects
from harness.engine.observing.servers.relay_log import relay_unbroken
from harness.engine.observing.servers.stored import UnreadableError, rows_at_rest
from harness.engine.observing.servers.tries import tries_recorded
from harness.engine.observing.service.counts import record_counts
from harness.engine.observing.service.errors_logged import record_errors_logged
from harness.engine.observing.service.footprint import MemoryWatch
from harness.engine.observing.service.probes import probe
from harness.engine.observing.service.secrets import record_secrets
from harness.engine.observing.service.service_log import record_answers_logged, record_log, record_unhandled
from harness.engine.performer import Performer
from harness.engine.phases.figures import Before, record_figures
from harness.engine.phases.recovery import recover, send_again, send_refused_again
from harness.engine.phases.rest import held_at_first, overtold, record_rest, rest_names
from harness.engine.phases.steady import check_steady_again, reach_steady_state
from harness.engine.rig import Rig
from harness.engine.said.recording import Saying
from harness.engine.stops import MachineLacksError, ScenarioStop
from harness.errors import UsageError
from harness.faults.site import Site
from harness.history import Recorder, recording
from harness.history.events import (
    HarnessProblem,
    NotSteady,
    PhaseBegan,
    Purpose,
    RowsRead,
    RowsUnknown,
    ScenarioProblem,
    ServerUnusable,
    ServiceEnded,
    ServiceLog,
)
from harness.results import RunKey, RunResult
from harness.scenario.concluding import Moves, Times, conclude
from harness.scenario.doing import StepMisuseError
from harness.scenario.lab import Lab
from harness.scenario.scenario import Scenario
from harness.stack.service.start import ServiceStartError

SERVICE_LOG_KEPT = 400_000


def run(scenario: Scenario, configuration: RunConfiguration, bed: Testbed) -> RunResult:
    """Run a scenario once and judge it.

    Raises UsageError for a configuration that the target does not have. Every other error is in the result.
    """
    key = RunKey(scenario.id, configuration.profile, configuration.without)
    bed.target.settings(key.profile, key.without)
    path = configuration.folder / "history" / f"{key}.jsonl"
    began = time.monotonic()
    with recording(path, configuration.watch) as recorder:
        one = _Run(scenario, key, configuration, bed, recorder)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:  # a tenth of a run's CPU cheaper
            loop.run(one.go())
        times = Times(run_s=time.monotonic() - began, scenario_s=one.scenario_s)
        if recorder.unwritten and configuration.unwritten is not None:
            configuration.unwritten(path, recorder.unwritten)
        written = None if recorder.unwritten else path
        return conclude(key, scenario.theme, configuration, recorder.history, written, one.moves, times)


class _Run:
    """One run under way."""

    def __init__(
        self, scenario: Scenario, key: RunKey, configuration: RunConfiguration, bed: Testbed, recorder: Recorder
    ) -> None:
        self._scenario = scenario
        self._key = key
        self._configuration = configuration
        self._bed = bed
        self._recorder = recorder
        self._lab: Lab | None = None
        self._site: Site | None = None
        self._changes_before = len(bed.server_changes)
        self._over = False
        self.scenario_s = 0.0

    @property
    def moves(self) -> Moves | None:
        """What the scenario did; None if the run ended before the scenario began."""
        return None if self._lab is None else Moves(tuple(self._lab.moves), self._lab.partial)

    async def go(self) -> None:
        """Run the scenario. Every problem is recorded in the history."""
        target = self._bed.target
        head = run_began(self._key.id, target, self._configuration, at_rest=rest_names(target))
        self._recorder.record("runner", head)
        stack, changes = self._bed.stack, self._bed.server_changes
        crashes = crashes_recorded(stack.servers, self._recorder, changes)
        with self._problems("the run"), crashes, relay_unbroken(stack.relay.log, self._recorder):
            alive = ended_by_deaths(stack, self._recorder, changes)
            async with alive, AsyncExitStack() as owned:
                await self._run_on(owned)
                self._over = True

    async def _run_on(self, owned: AsyncExitStack) -> None:
        self._phase("start")
        relay = await owned.enter_async_context(self._bed.stack.relay.control())
        built = built_rig(
            self._bed, relay, self._key, self._configuration, self._recorder,
            number=next(self._bed.numbers), service_ended=self._service_ended,
        )  # fmt: skip
        try:
            rig = await owned.enter_async_context(built)
        except PrepareError as problem:
            self._recorder.record("runner", NotSteady(str(problem), not_started=True))
            return
        self._site = rig.site
        cores = cores_recorded(lambda: processes_of(rig.site, self._bed), self._recorder, harness=self._bed.harness)
        await owned.enter_async_context(cores)
        performer = Performer(rig, lacking=self._bed.lacking)
        # Heal again at the very end, however the run ended. Usually nothing is left to heal.
        owned.push_async_callback(performer.faults.heal_all)
        self._lab = Lab(performer, self._recorder)
        counting = Counting(self._bed.target, rig.site, self._recorder)
        try:
            await self._start(rig)
            self._phase("steady")
            await reach_steady_state(rig)
            await performer.contract.ask_in_turn()
            # Not earlier: a service that has just started is busy, and this measures its healthy answer.
            await owned.enter_async_context(performer.health)
            await performer.health.until_ready()
            await owned.enter_async_context(counting)
        except ScenarioStop:
            self._recorder.record("service", ServiceLog(rig.site.service.log.read()[-SERVICE_LOG_KEPT:]))
            return
        before = await held_at_first(rig.target, rig.site.service)
        performer.starts.judged_by(before)
        record_counts(rig, before.probed, await overtold(rig))
        memory = MemoryWatch(rig.site.service, rig.recorder)
        mark = rig.site.service.log.size()
        saying = Saying(rig, before.probed, mark)
        async with tries_recorded(rig):
            await self._middle(self._lab, rig, performer, Before(before.probed, memory, mark))
            await self._afterwards(rig, performer, saying, counting, lambda: record_rest(rig, before, memory))
        record_errors_logged(rig, rig.site.service.judged_log().splitlines())

    def _service_ended(self, event: ServiceEnded) -> None:
        self._recorder.record("service", event)

    async def _start(self, rig: Rig) -> None:
        try:
            await rig.start()
        except ServiceStartError as problem:
            told = await told_with_tls(rig.site.relay, rig.site.hops, str(problem))
            self._recorder.record("runner", NotSteady(told, not_started=True, waited_s=problem.waited_s))
            raise ScenarioStop from problem

    async def _middle(self, lab: Lab, rig: Rig, performer: Performer, before: Before) -> None:
        began = time.monotonic()
        await self._play(lab)
        self._phase("heal")
        with self._problems("sampling the service's health"):
            await performer.faults.before_heal()
        with self._problems("healing"):
            await performer.faults.heal_all()
        with self._problems("reading figures"):
            await record_figures(rig, performer.expectations, before)
        self.scenario_s = time.monotonic() - began

    async def _play(self, lab: Lab) -> None:
        self._phase("scenario")
        within_s = self._configuration.scenario_within_s or self._bed.target.description.limits.scenario_s
        limit = asyncio.timeout(within_s)
        try:
            async with limit:
                await self._scenario.play(lab)
            lab.check_all_used()
        except (ScenarioStop, MachineLacksError):
            pass  # the history says what happened: a moment missed, a service that did not start
        except (AssertionError, StepMisuseError, UsageError) as problem:
            self._recorder.record("runner", ScenarioProblem(str(problem) or repr(problem)))
        except Exception as problem:  # noqa: BLE001  # recorded: an error of the harness proves nothing
            cut = isinstance(problem, TimeoutError) and limit.expired()
            if cut:
                self._broke(HarnessProblem(f"the scenario was not over in {within_s:g} s, and was cut short"))
            else:
                self._broke(self._event_of(problem))
        except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as problem:  # noqa: BLE001  # a test framework's skip, say: no scenario gets out of its run
            self._recorder.record("runner", ScenarioProblem(f"{type(problem).__name__}: {problem}"))

    async def _recover(self, rig: Rig, mark: int) -> None:
        """Wait until the service acknowledges again, then record what it logged since the mark.

        Not earlier: a service may log a request's failure after its answer, but no later than its next answer.
        """
        service = rig.site.service
        try:
            if service.running:
                self._phase("recovery")
                if not await recover(rig, functools.partial(rig.send, Purpose.RECOVERY)):
                    raise ScenarioStop
        finally:
            self._recorder.record("service", ServiceLog(service.log.read(mark)[-SERVICE_LOG_KEPT:]))

    async def _afterwards(
        self, rig: Rig, performer: Performer, saying: Saying, counting: Counting, rest: Callable[[], Awaitable[None]]
    ) -> None:
        try:
            await self._recover(rig, saying.mark)
            if rig.site.service.running:
                self._phase("steady again")
                await check_steady_again(rig)
                with self._problems("sampling the service's health"):
                    await performer.health.until_ready()
                # Rest is impossible while the harness still asks. If the counting breaks, the rows are read all the
                # same.
                with self._problems("counting"):
                    await counting.finish()
                with self._problems("sampling the service's health"):
                    await performer.health.finish()
                self._phase("rest")
                await rest()
                probed = await probe(rig.target, rig.site.service)
                record_counts(rig, probed)
                saying.at_rest(probed)
                # Before any delivery is retried: a retry would store a lost delivery and hide the loss.
                await self._rows(rig)
                self._phase("again")
                await performer.contract.ask_in_turn(own=True)
                await send_again(rig)
                await send_refused_again(rig, lambda: self._rows(rig))
        except ScenarioStop:
            pass  # recorded as not recovered
        self._phase("rows")
        with self._problems("reading the rows"):
            await self._rows(rig)
        lines = rig.site.service.judged_log().splitlines()
        record_unhandled(rig, lines)
        record_answers_logged(rig, lines)
        record_log(rig, lines)
        saying.record()
        with self._problems("seeking secrets"):
            await record_secrets(rig)

    async def _rows(self, rig: Rig) -> None:
        try:
            rows = await rows_at_rest(rig)
        except UnreadableError as problem:  # caused by the service: a failed check comes first
            self._recorder.record("runner", RowsUnknown(str(problem)))
            return
        self._recorder.record("runner", RowsRead(tuple(rows)))
        await record_effects(rig, rows)

    @contextmanager
    def _problems(self, doing: str) -> Iterator[None]:
        try:
            yield
        except UsageError as problem:  # this machine lacks what the scenario asks for
            self._recorder.record("runner", ScenarioProblem(str(problem), wrong=True))
        except Exception as problem:  # noqa: BLE001  # recorded: an error of the harness proves nothing
            self._broke(self._event_of(problem, doing))

    def _event_of(self, problem: Exception, doing: str = "") -> HarnessProblem | ServerUnusable:
        """Tell a break of the harness itself from an error of a server that a fault of this run changed for good."""
        changes = self._bed.server_changes[self._changes_before :]
        for change in reversed(changes):
            if change.fault.lasting and _only(problem, _errors_of(change.server, self._site)):
                return ServerUnusable(change.fault, doing or "the scenario", _story(problem), self._over)
        return HarnessProblem(f"{doing}: {_story(problem)}" if doing else _story(problem))

    def _broke(self, event: HarnessProblem | ServerUnusable) -> None:
        """Record an error of the harness itself.

        If the error came from cleaning up after a cancellation, it has replaced the cancellation: continue that.
        """
        self._recorder.record("runner", event)
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError

    def _phase(self, name: str) -> None:
        self._recorder.record("runner", PhaseBegan(name))


def _errors_of(server: str, site: Site | None) -> tuple[type[Exception], ...]:
    """The errors that the harness gets if it cannot use this server."""
    links = [] if site is None else [laid for laid in site.links.values() if laid.server == server]
    return tuple(error for laid in links for error in laid.own.probe().errors)


def _only(problem: BaseException, errors: tuple[type[Exception], ...]) -> bool:
    """Whether the problem is one of these errors, or was caused by one; for a group, whether each member is."""
    if isinstance(problem, BaseExceptionGroup):
        return all(_only(each, errors) for each in problem.exceptions)
    return isinstance(problem, errors) or isinstance(problem.__cause__, errors)


def _story(problem: BaseException) -> str:
    last = traceback.extract_tb(problem.__traceback__)[-1:]
    where = f" ({Path(last[0].filename).name}:{last[0].lineno})" if last else ""
    inner = [_story(each) for each in problem.exceptions] if isinstance(problem, BaseExceptionGroup) else []
    return "; ".join([f"{type(problem).__name__}: {problem}{where}", *inner])


__all__ = ["RunConfiguration", "run"]
