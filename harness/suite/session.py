"""One run of the suite: servers, runs, proofs, results, and the exit status."""

from __future__ import annotations

import dataclasses
import functools
import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from harness.checks import Verdict
from harness.exit_status import ExitStatus
from harness.results import Role, RunKey, RunResult
from harness.results.ablation import ProofResult, judge_ablated
from harness.results.folder import new_results_folder
from harness.results.repro import gate_line
from harness.scenario.proving import proof_tried_by, prove
from harness.scenario.runner import RunConfiguration
from harness.scenario.scenario import Scenario
from harness.suite.drafts import draft_findings, draft_note
from harness.suite.heap import settled_heap
from harness.suite.info import Command, run_info
from harness.suite.lanes.lane_process import Apart
from harness.suite.lanes.orders import Copy, HistoryGrew, Order, Progress, StackUp, Told, Unwritten
from harness.suite.lanes.performing import Here, Performer, Ways
from harness.suite.lanes.threads import Lanes
from harness.suite.lanes.turns import TakingTurns
from harness.suite.publisher import Publisher, Unpublished
from harness.suite.record import Record
from harness.suite.selection.chosen import Chosen
from harness.suite.selection.unavailable import Unavailable
from harness.suite.servers import Servers
from harness.suite.settings import SuiteSettings, check_profile
from harness.suite.sources import KeptSources
from harness.suite.status import status_of
from harness.suite.watcher import Unwatched, Watcher
from harness.target import Target

FoundT = TypeVar("FoundT")
UNWRITTEN = "results"
Repro = Callable[[RunKey, int], str]


class Session:
    """A context manager. Its end always writes the results and stops the servers.

    Runs are performed in this process, or with several jobs in one process per lane (see `lanes`); everything is
    recorded, shown and judged here.
    """

    def __init__(
        self,
        settings: SuiteSettings,
        target: Target,
        *,
        command: Command,
        selection: Sequence[str],
        listed: Mapping[str, Unavailable] | None = None,
        watcher: Watcher | None = None,
        publisher: Publisher | None = None,
        servers: Servers | None = None,
    ) -> None:
        self._settings = settings
        self._target = target
        self._listed = listed or {}
        self._watcher = watcher or Unwatched()
        self._publisher = publisher or Unpublished()
        self._servers = servers
        self._lock = threading.RLock()
        self._heap = settled_heap()
        self._finished = False
        self._over = False
        self.ambiguous: Collection[str] = ()
        """Ids that are also names of themes. Lines that repeat a run distinguish them."""
        self.profile = check_profile(settings, target)
        self.folder = new_results_folder(settings.results)
        self._here = Here(self._ways(logs=self.folder.logs), self._heard)
        self._apart: dict[int, Apart] = {}
        """The performers of lanes, by the threads that wait for them."""
        self.record = Record(
            self.folder, run_info(settings, folder_id=self.folder.id, profile=self.profile, command=command),
            selection=selection, listed=self._listed, strict=settings.strict, publisher=self._publisher,
            told=self._say,
        )  # fmt: skip
        self._sources = KeptSources(self.folder.path, self.record.unwritten)

    def __enter__(self) -> Self:
        self._heap.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with ExitStack() as last:  # each is done, even if the one before fails
            last.push(self._heap)
            last.callback(self.folder.release)
            last.callback(self.record.publish)
            last.callback(self._here.close)
            if not self._finished:
                self._finish(complete=False, status=status_of(error))

    def finish(self) -> ExitStatus:
        """Stop the servers, and write that everything selected was run."""
        self.rest()
        self._finish(complete=True, status=self.record.status)
        return self.record.status

    def interrupted(self) -> None:
        """Write that not everything was run, because the user interrupted it."""
        self._finish(complete=False, status=ExitStatus.INTERRUPTED)

    def not_told(self, *, complete: bool, status: ExitStatus) -> ExitStatus:
        """Record that the results could not be delivered to the caller. The exit status then does not say held."""
        if status is ExitStatus.HELD:
            status = ExitStatus.INCONCLUSIVE
        self.record.write(complete=complete, status=status)
        return status

    def another(self, suite: Chosen, settings: SuiteSettings, command: Command) -> Session:
        """Return a session with separate servers that reports and publishes like this one."""
        other = Session(
            settings,
            suite.target,
            command=command,
            selection=[scenario.id for scenario in suite.chosen],
            listed=suite.listed,
            watcher=self._watcher,
            publisher=self._publisher,
        )
        other.ambiguous = suite.ambiguous
        return other

    def each(self, scenarios: Sequence[Scenario], work: Callable[[Scenario], object]) -> None:
        """Do the work for each scenario. With several jobs, scenarios run at once, each lane in a separate process.

        Raises the work's error, and does not begin the rest.
        """
        lanes = min(self._settings.jobs, len(scenarios))
        if lanes <= 1:
            for scenario in scenarios:
                work(scenario)
            return
        self.rest()  # a fork would inherit what leads to the servers
        alone, self._watcher = self._watcher, TakingTurns(self._watcher)
        try:
            Lanes(lanes, work, self._cut_short, functools.partial(self._lane, scenarios)).run(scenarios)
        finally:
            self._watcher = alone

    @contextmanager
    def _lane(self, scenarios: Sequence[Scenario], name: str) -> Iterator[None]:
        """Perform this thread's runs in a separate process."""
        logs = self.folder.logs / name  # separate ones: what servers log is evidence
        ways = self._ways(logs=logs, lane=name, harness=os.getpid())
        apart = self._apart[threading.get_ident()] = Apart(ways, scenarios, self._heard)
        try:
            yield
            apart.rest()
        finally:
            apart.kill()
            del self._apart[threading.get_ident()]

    def _cut_short(self) -> None:
        """Stop all lanes under scenarios that still run. Their verdicts do not count."""
        with self._lock:
            self._over = True
        for apart in list(self._apart.values()):
            apart.interrupt()

    def run(
        self, scenario: Scenario, *, seed: int | None = None, folder: Path | None = None, repro: Repro | None = None
    ) -> RunResult:
        """Run a scenario as the settings say. `seed`, `folder` and `repro` replace the session's.

        Raises HarnessError if the servers do not start. Any other problem is in the result.
        """
        configuration = self._configuration(seed=seed, folder=folder, repro=repro)
        key = RunKey(scenario.id, configuration.profile, configuration.without)
        proof = proof_tried_by(key, scenario, self._target.description.default_profile)
        result = self._performed(scenario, configuration)
        note = ""
        if proof is not None:
            result = dataclasses.replace(result, expected=Verdict.FAILED)
            judgement = judge_ablated(result, proof)
            note = f"{judgement.verdict}: {judgement.reason}"
        self.record.found(draft_findings(scenario, strict=self._settings.strict))
        self._record(result, note or draft_note(scenario))
        return result

    def prove(self, scenario: Scenario, known: MutableMapping[RunKey, RunResult]) -> Sequence[ProofResult]:
        """Try every proof of a scenario. `known`: runs that need not be made again."""
        tried: list[ProofResult] = []
        for proof in scenario.proofs:
            found = prove(scenario, proof, self._configuration(), known=known, run=self._recorded)
            tried.append(found)
            with self._lock:
                if self._over:
                    return tried
                self.record.proved(found)
                self._watcher.proved(found)
        return tried

    def run_as(self, scenario: Scenario, key: RunKey, role: Role) -> RunResult:
        """Run a scenario under another profile or without other protections than the settings say.

        An `ablated` run is known to lack a protection: its verdict does not change the exit status.
        """
        configuration = dataclasses.replace(self._configuration(), profile=key.profile, without=key.without, role=role)
        return self._recorded(scenario, configuration)

    def run_copy(
        self, scenario: Scenario, key: RunKey, directory: Path, role: Role, *, repro: str, prepares_own: bool,
        folder: Path | None = None,
    ) -> RunResult:  # fmt: skip
        """Run a scenario against a copy of the service in `directory`, on the session's servers.

        The result of an `ablated` run (of a changed copy) is not added to the session: the caller judges it. `repro`:
        the line that repeats it. `folder`: where its history and logs go, by default the session's. `prepares_own`:
        its database is prepared by the copy, not by the original service.
        """
        ours = self._configuration(folder=folder, repro=lambda _key, _seed: repro)
        configuration = dataclasses.replace(ours, profile=key.profile, without=key.without, role=role)
        result = self._performed(scenario, configuration, Copy(directory, prepares_own))
        if role != "ablated":
            self._record(result, "")
            return result
        with self._lock:
            if not self._over:
                self._watcher.ended(result, "")
        return result

    def rest(self) -> None:
        """Stop the servers; the next run starts them again."""
        self._here.rest()

    def _configuration(
        self, *, seed: int | None = None, folder: Path | None = None, repro: Repro | None = None
    ) -> RunConfiguration:
        settings = self._settings
        return RunConfiguration(
            profile=self.profile,
            without=settings.without,
            seed=settings.seed if seed is None else seed,
            patience_s=settings.patience_s,
            folder=folder or self.folder.path,
            repro=repro or functools.partial(gate_line, options=settings.options(), ambiguous=self.ambiguous),
        )

    def _recorded(self, scenario: Scenario, configuration: RunConfiguration) -> RunResult:
        result = self._performed(scenario, configuration)
        if configuration.role == "ablated":
            result = dataclasses.replace(result, expected=Verdict.FAILED)
        self._record(result, "")
        return result

    def _performed(self, scenario: Scenario, configuration: RunConfiguration, copy: Copy | None = None) -> RunResult:
        key = RunKey(scenario.id, configuration.profile, configuration.without)
        order = Order(
            key=key, role=configuration.role, seed=configuration.seed, patience_s=configuration.patience_s,
            folder=configuration.folder, repro=configuration.repro(key, configuration.seed), copy=copy,
        )  # fmt: skip
        self._watcher.began(key, order.role)
        with self._lock:
            source = self._sources.of(scenario)
        performer: Performer = self._apart.get(threading.get_ident(), self._here)
        return dataclasses.replace(performer.perform(scenario, order), source=source)

    def _record(self, result: RunResult, note: str) -> None:
        listed = self._listed.get(result.key.id)
        if result.verdict is Verdict.UNAVAILABLE:
            note = f"runs: {listed.runs}" if listed else "not listed in unavailable.toml: this fails the gate"
        with self._lock:
            if self._over:
                return
            self.record.ran(result)
            self._watcher.ended(result, note)

    def _ways(self, *, logs: Path, lane: str = "", harness: int | None = None) -> Ways:
        return Ways(
            target=self._target, stack=self._settings.stack, logs=logs, lane=lane, harness=harness,
            servers=self._servers,
        )  # fmt: skip

    def _heard(self, told: Told) -> None:
        """Handle a performer's reports, in the thread that waits for it."""
        match told:
            case Progress(text):
                self._watcher.progress(text)
            case HistoryGrew(entry):
                self._watcher.saw(entry)
            case Unwritten(path, problem):
                self.record.unwritten(path, problem)
            case StackUp(seconds, versions):
                self.record.stack_up(seconds, versions)

    def _say(self, sentence: str) -> None:
        self._watcher.progress(sentence)  # the watcher of that moment: lanes have another one

    def _finish(self, *, complete: bool, status: ExitStatus) -> None:
        self._finished = True
        self.record.write(complete=complete, status=status)


__all__ = ["Session"]
