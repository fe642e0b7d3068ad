"""Runs one scenario: steady state, the scenario, heal, recovery, rest, rows, judgement.

It knows nothing of pytest. Each run has an event loop of its own, and its result is plain data.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
import re
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.checks import judge
from harness.errors import HarnessError, UsageError
from harness.faults.site import Site
from harness.history import Entry, Recorder, recording
from harness.history.events import (
    HarnessProblem,
    NotSteady,
    PhaseBegan,
    RunBegan,
    ScenarioProblem,
    ServerDied,
    ServiceEnded,
    ServiceLog,
    ServiceStarted,
)
from harness.keeper import KeptProcess
from harness.results import Role, RunKey, RunResult
from harness.results.repro import gate_line
from harness.scenario.lab import Lab, StepMisuseError
from harness.scenario.laying import laid_links
from harness.scenario.performer import Performer
from harness.scenario.phases import Phases, Probed
from harness.scenario.reading import evidence_of, figures_of
from harness.scenario.scenario import Scenario
from harness.scenario.schedule import Schedule
from harness.scenario.sessions import Sessions
from harness.scenario.stops import MachineLacksError, ScenarioStop
from harness.scenario.testbed import Testbed
from harness.scenario.waits import waiting_for
from harness.scenario.workload import Clients
from harness.stack import DeadServer
from harness.stack.service import ServiceProcess, ServiceSpec, ServiceStartError

PATIENCE_BEYOND_DEADLINE_S = 0.5
SCENARIO_WITHIN_S = 120.0
SERVICE_LOG_KEPT = 400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfiguration:
    """How to run. `folder`: where history, schedule and the service's log go.

    `patience_s`: the clients' own limit; by default little more than the target's deadline, so
    that no stall is waited out. `repro`: writes the line that repeats a run, from its key and seed.
    """

    profile: str
    without: tuple[str, ...] = ()
    seed: int = 0
    patience_s: float | None = None
    folder: Path
    role: Role = "scenario"
    watch: Callable[[Entry], None] | None = None
    repro: Callable[[RunKey, int], str] = gate_line


def run(scenario: Scenario, configuration: RunConfiguration, bed: Testbed) -> RunResult:
    """Run a scenario once and judge it.

    Raises UsageError for a configuration that the target does not have; whatever else goes wrong
    is in the result.
    """
    key = RunKey(scenario.id, configuration.profile, configuration.without)
    settings = bed.target.settings(configuration.profile, configuration.without)
    histories = configuration.folder / "history"
    histories.mkdir(parents=True, exist_ok=True)
    path = histories / f"{key}.jsonl"
    began = time.monotonic()
    with recording(path, configuration.watch) as recorder:
        one = _Run(scenario, configuration, bed, recorder, dict(settings))
        with asyncio.Runner() as loop:
            loop.run(one.go())
        duration_s = time.monotonic() - began
        return one.result(key, path, duration_s)


class _Run:
    """One run under way."""

    def __init__(
        self,
        scenario: Scenario,
        configuration: RunConfiguration,
        bed: Testbed,
        recorder: Recorder,
        settings: dict[str, str],
    ) -> None:
        self._scenario = scenario
        self._configuration = configuration
        self._bed = bed
        self._recorder = recorder
        self._settings = settings
        self._lab: Lab | None = None
        self._scenario_s = 0.0

    async def go(self) -> None:
        """Run it; every problem ends up in the history."""
        description = self._bed.target.description
        configuration = self._configuration
        self._recorder.record(
            "runner",
            RunBegan(
                self._scenario.id, configuration.profile, configuration.without, configuration.seed,
                str(self._bed.target.path), description.limits.request_deadline_ms,
                dt.datetime.now(dt.UTC).isoformat(),
            ),
        )  # fmt: skip
        with self._server_deaths(), self._problems("the run"):
            async with AsyncExitStack() as owned:
                await self._run_on(owned)

    async def _run_on(self, owned: AsyncExitStack) -> None:
        self._phase("start")
        site = await owned.enter_async_context(self._site())
        sessions = await owned.enter_async_context(Sessions(site))
        clients = await owned.enter_async_context(self._clients(site, sessions))
        phases = Phases(self._bed.target, site, clients, sessions, self._recorder)
        performer = Performer(site, clients, sessions, self._recorder, lacking=self._bed.lacking)
        self._lab = Lab(performer, self._recorder)
        try:
            await self._start(site)
            self._phase("steady")
            await phases.steady(measure=True)
        except ScenarioStop:
            return
        before = await phases.probe()
        mark = site.service.log.size()
        began = time.monotonic()
        await self._play(self._lab)
        await self._heal(performer)
        with self._problems("reading figures"):
            await phases.figures(performer.expectations, before)
        self._scenario_s = time.monotonic() - began
        log = site.service.log.read(mark)[-SERVICE_LOG_KEPT:]
        self._recorder.record("service", ServiceLog(log))
        await self._afterwards(site, phases, before)

    async def _start(self, site: Site) -> None:
        try:
            took_ms = await site.service.start()
        except ServiceStartError as problem:
            self._recorder.record("runner", NotSteady(str(problem)))
            raise ScenarioStop from problem
        started = ServiceStarted(site.service.process.pid, site.service.port, round(took_ms, 1))
        self._recorder.record("service", started)

    async def _play(self, lab: Lab) -> None:
        self._phase("scenario")
        try:
            async with asyncio.timeout(SCENARIO_WITHIN_S):
                await self._scenario.play(lab)
            lab.check_all_used()
        except (ScenarioStop, MachineLacksError):
            pass  # what happened is in the history: a moment missed, a service that did not start
        except TimeoutError:
            self._recorder.record("runner", HarnessProblem(f"the scenario was not over in {SCENARIO_WITHIN_S:g} s"))
        except (AssertionError, StepMisuseError, UsageError) as problem:
            self._recorder.record("runner", ScenarioProblem(str(problem) or repr(problem)))
        except Exception as problem:  # noqa: BLE001  # recorded: a break of the harness's own is evidence of nothing
            self._recorder.record("runner", HarnessProblem(_story(problem)))

    async def _heal(self, performer: Performer) -> None:
        self._phase("heal")
        with self._problems("healing"):
            await performer.heal_all()

    async def _afterwards(self, site: Site, phases: Phases, before: Probed | None) -> None:
        steps = [("recovery", phases.recover), ("steady again", lambda: phases.steady(measure=False))]
        try:
            if site.service.running:
                for name, step in steps:
                    self._phase(name)
                    await step()
                self._phase("rest")
                await phases.rest(before)
                # Before anything is sent again: that would store what was lost.
                await phases.rows()
                self._phase("again")
                await phases.send_again()
        except ScenarioStop:
            pass  # recorded as not recovered
        self._phase("rows")
        await phases.rows()
        phases.unhandled()

    @asynccontextmanager
    async def _site(self) -> AsyncIterator[Site]:
        async with laid_links(self._bed) as links:
            words = {f"{name}.{word}": value for name, laid in links.items() for word, value in laid.words.items()}
            service = ServiceProcess(self._bed.stack.keeper, self._service_spec(words), self._service_ended)
            site = Site(
                service=service,
                links=links,
                toxiproxy=self._bed.stack.toxiproxy,
                watches_connects=self._bed.lacking("seccomp") is None,
                witness=_nobody,
            )
            try:
                yield site
            finally:
                await service.end()

    def _service_spec(self, words: dict[str, str]) -> ServiceSpec:
        target = self._bed.target
        described = target.description.service
        key = RunKey(self._scenario.id, self._configuration.profile, self._configuration.without)
        logs = self._configuration.folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        return ServiceSpec(
            argv=target.command(words),
            environment=self._bed.environment(words, self._settings),
            cwd=target.directory,
            log=_fresh(logs / f"{key}.log"),
            listening=re.compile(described.listening),
            alive=described.alive,
            start_within_s=described.start_within_s,
            stop_within_s=described.stop_within_s,
            watch_connects=self._bed.lacking("seccomp") is None,
        )

    def _clients(self, site: Site, sessions: Sessions) -> Clients:
        deadline_s = self._bed.target.description.limits.request_deadline_ms / 1e3
        patience_s = self._configuration.patience_s or deadline_s + PATIENCE_BEYOND_DEADLINE_S

        return Clients(
            self._bed.target,
            site.service,
            self._recorder,
            seed=f"{self._configuration.seed}/{self._scenario.id}",
            patience_s=patience_s,
            waiting_for=functools.partial(waiting_for, site, sessions),
        )

    def _service_ended(self, process: KeptProcess, status: int, asked_by: str) -> None:
        self._recorder.record("service", ServiceEnded(process.pid, status, asked_by))

    @contextmanager
    def _server_deaths(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()

        def record(dead: DeadServer) -> None:
            self._recorder.record("server", ServerDied(dead.name, dead.exit_status, dead.log_tail))

        def from_any_thread(dead: DeadServer) -> None:
            loop.call_soon_threadsafe(record, dead)

        unsubscribe = self._bed.stack.on_death(from_any_thread)
        try:
            yield
        finally:
            unsubscribe()

    @contextmanager
    def _problems(self, doing: str) -> Iterator[None]:
        try:
            yield
        except Exception as problem:  # noqa: BLE001  # recorded: a break of the harness's own is evidence of nothing
            self._recorder.record("runner", HarnessProblem(f"{doing}: {_story(problem)}"))

    def _phase(self, name: str) -> None:
        self._recorder.record("runner", PhaseBegan(name))

    def result(self, key: RunKey, path: Path, duration_s: float) -> RunResult:
        """Judge the history."""
        history = self._recorder.history
        judgement = judge(history)
        schedule = self._schedule(key)
        log = history.last(ServiceLog)
        return RunResult(
            key=key,
            theme=self._scenario.theme,
            verdict=judgement.verdict,
            reason=judgement.reason,
            failing=judgement.failing,
            evidence=evidence_of(history),
            figures=figures_of(history),
            duration_s=round(duration_s, 3),
            overhead_s=round(duration_s - self._scenario_s, 3),
            seed=self._configuration.seed,
            repro=self._configuration.repro(key, self._configuration.seed),
            history=path,
            schedule=schedule,
            service_log=log.text if log else "",
            role=self._configuration.role,
        )

    def _schedule(self, key: RunKey) -> Path | None:
        if self._lab is None:
            return None
        folder = self._configuration.folder / "schedules"
        folder.mkdir(parents=True, exist_ok=True)
        schedule = Schedule(
            id=key.id, profile=key.profile, without=key.without, seed=self._configuration.seed,
            partial=self._lab.partial, moves=tuple(self._lab.moves),
        )  # fmt: skip
        path = folder / f"{key}.json"
        schedule.write(path)
        return path


def _nobody(what: str, source: str, detail: str) -> None:
    raise HarnessError(f"evidence {what} ({source}: {detail}) belongs to no fault")


def _fresh(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def _story(problem: BaseException) -> str:
    last = traceback.extract_tb(problem.__traceback__)[-1:]
    where = f" ({Path(last[0].filename).name}:{last[0].lineno})" if last else ""
    inner = [_story(each) for each in problem.exceptions] if isinstance(problem, BaseExceptionGroup) else []
    return "; ".join([f"{type(problem).__name__}: {problem}{where}", *inner])


__all__ = ["RunConfiguration", "run"]
