"""One run of the suite: servers, runs, proofs, results, and the exit status at the end."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import importlib.metadata
import platform
import shlex
import sys
import time
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.checks import Verdict
from harness.errors import UsageError
from harness.results import RunKey, RunResult
from harness.results.ablation import ProofResult, judge_ablated
from harness.results.files import write_atomically
from harness.results.folder import new_results_folder
from harness.results.junit import junit_text
from harness.results.repro import gate_line
from harness.results.summary import RunInfo, Summary, Times
from harness.scenario import runner
from harness.scenario.proving import proof_tried_by, prove
from harness.scenario.runner import RunConfiguration
from harness.scenario.scenario import Scenario
from harness.scenario.testbed import Testbed, open_testbed
from harness.suite.settings import SuiteSettings, check_profile
from harness.suite.status import ExitStatus, exit_status
from harness.suite.unavailable import Unavailable
from harness.suite.watcher import Unwatched, Watcher
from harness.target import Target

Repro = Callable[[RunKey, int], str]


class Session:
    """A context manager: its end writes the results and takes the servers down, whatever ended it.

    The servers are brought up when the first scenario needs them, and again when one of them died.
    """

    def __init__(
        self,
        settings: SuiteSettings,
        target: Target,
        *,
        command: Sequence[str],
        selection: Sequence[str],
        listed: Mapping[str, Unavailable] | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        self._began = time.monotonic()
        self._settings = settings
        self._target = target
        self._selection = tuple(selection)
        self._listed = listed or {}
        self._watcher = watcher or Unwatched()
        self._bed: Testbed | None = None
        self._bed_exits = ExitStack()
        self._stack_s = 0.0
        self._finished = False
        self.profile = check_profile(settings, target)
        self.folder = new_results_folder(settings.results)
        self.results: list[RunResult] = []
        self.proofs: list[ProofResult] = []
        self._info = RunInfo(
            id=self.folder.id,
            started_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            command=shlex.join(command),
            seed=settings.seed,
            target=str(settings.target_file),
            profile=self.profile,
            platform=platform.platform(),
            versions={"harness": _own_version(), "python": sys.version.split()[0]},
        )
        self._write(complete=False, status=None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not self._finished:
                self._finish(complete=False, status=_status_of(error))
        finally:
            self._bed_exits.close()

    @property
    def status(self) -> ExitStatus:
        """What the results so far amount to."""
        return exit_status(self.results, self.proofs, listed=self._listed, strict=self._settings.strict)

    def finish(self) -> ExitStatus:
        """Take the servers down, and write that everything selected was run."""
        self._bed_exits.close()
        self._finish(complete=True, status=self.status)
        return self.status

    def interrupted(self) -> None:
        """Write that not everything was run, because the user wished so."""
        self._finish(complete=False, status=ExitStatus.INTERRUPTED)

    def summary(self, *, complete: bool, status: ExitStatus | None) -> Summary:
        """Everything so far."""
        return Summary(
            info=self._info,
            selection=self._selection,
            results=tuple(self.results),
            proofs=tuple(self.proofs),
            times=self.times,
            complete=complete,
            exit_status=None if status is None else int(status),
        )

    @property
    def times(self) -> Times:
        """Where the time went so far."""
        return Times(
            total_s=time.monotonic() - self._began,
            stack_s=self._stack_s,
            scenarios_s=sum(result.duration_s for result in self.results),
            around_s=sum(result.overhead_s for result in self.results),
        )

    @property
    def json(self) -> str:
        """The summary as it was written last."""
        return self.folder.summary.read_text("utf-8")

    def run(
        self, scenario: Scenario, *, seed: int | None = None, folder: Path | None = None, repro: Repro | None = None
    ) -> RunResult:
        """Run a scenario as the settings say. `seed`, `folder` and `repro` replace the session's own.

        Raises HarnessError for servers that do not come up; whatever else goes wrong is in the result.
        """
        configuration = self._configuration(seed=seed, folder=folder, repro=repro)
        key = RunKey(scenario.id, configuration.profile, configuration.without)
        proof = proof_tried_by(key, scenario, self._target.description.default_profile)
        result = self._performed(scenario, configuration, self._testbed())
        note = ""
        if proof is not None:
            result = dataclasses.replace(result, expected=Verdict.FAILED)
            judgement = judge_ablated(result, proof)
            note = f"{judgement.verdict}: {judgement.reason}"
        self._record(result, note)
        return result

    def prove(self, scenario: Scenario, known: MutableMapping[RunKey, RunResult]) -> Sequence[ProofResult]:
        """Try every proof of a scenario. `known`: runs that need not be made again."""
        tried: list[ProofResult] = []
        for proof in scenario.proofs:
            found = prove(scenario, proof, self._configuration(), self._testbed(), known=known, run=self._recorded)
            self.proofs.append(found)
            self._watcher.proved(found)
            self._write(complete=False, status=None)
            tried.append(found)
        return tried

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
            watch=self._watcher.saw,
            repro=repro or functools.partial(gate_line, options=settings.options()),
        )

    def _recorded(self, scenario: Scenario, configuration: RunConfiguration, bed: Testbed) -> RunResult:
        # A server that died since the pair began has been replaced: the bed is asked for again.
        del bed
        result = self._performed(scenario, configuration, self._testbed())
        if configuration.role == "ablated":
            result = dataclasses.replace(result, expected=Verdict.FAILED)
        self._record(result, "")
        return result

    def _performed(self, scenario: Scenario, configuration: RunConfiguration, bed: Testbed) -> RunResult:
        key = RunKey(scenario.id, configuration.profile, configuration.without)
        self._watcher.began(key, configuration.role)
        for need in scenario.needs:
            reason = bed.lacking(need)
            if reason is not None:
                return _unavailable(scenario, key, f"needs {need}: {reason}", configuration)
        result = runner.run(scenario, configuration, bed)
        if bed.stack.dead() is not None:
            self._close_testbed()
        return result

    def _record(self, result: RunResult, note: str) -> None:
        self.results.append(result)
        self._write(complete=False, status=None)
        listed = self._listed.get(result.key.id)
        if result.verdict is Verdict.UNAVAILABLE:
            note = f"runs: {listed.runs}" if listed else "not listed in unavailable.toml: this fails the gate"
        self._watcher.ended(result, note)

    def _testbed(self) -> Testbed:
        if self._bed is None:
            began = time.monotonic()
            self._watcher.progress("bringing up PostgreSQL, Redis and Toxiproxy")
            opened = open_testbed(
                self._target, self._settings.stack, logs=self.folder.logs, progress=self._watcher.progress
            )
            self._bed = self._bed_exits.enter_context(opened)
            self._stack_s += time.monotonic() - began
            versions = {**self._info.versions, **self._bed.stack.versions()}
            self._info = dataclasses.replace(self._info, versions=versions)
        return self._bed

    def _close_testbed(self) -> None:
        self._bed = None
        self._bed_exits.close()

    def _finish(self, *, complete: bool, status: ExitStatus) -> None:
        self._finished = True
        self._write(complete=complete, status=status)

    def _write(self, *, complete: bool, status: ExitStatus | None) -> None:
        summary = self.summary(complete=complete, status=status)
        write_atomically(self.folder.summary, summary.text(self.folder.relative))
        if status is not None:
            write_atomically(self.folder.junit, junit_text(summary))


def _own_version() -> str:
    try:
        return importlib.metadata.version("webhook-resilience-harness")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _status_of(error: BaseException | None) -> ExitStatus:
    if isinstance(error, KeyboardInterrupt):
        return ExitStatus.INTERRUPTED
    return ExitStatus.USAGE if isinstance(error, UsageError) else ExitStatus.INCONCLUSIVE


def _unavailable(scenario: Scenario, key: RunKey, reason: str, configuration: RunConfiguration) -> RunResult:
    return RunResult(
        key=key,
        theme=scenario.theme,
        verdict=Verdict.UNAVAILABLE,
        reason=reason,
        duration_s=0.0,
        overhead_s=0.0,
        seed=configuration.seed,
        repro=configuration.repro(key, configuration.seed),
        history=None,
        schedule=None,
        role=configuration.role,
    )


__all__ = ["Session"]
