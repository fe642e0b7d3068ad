"""What a session has found so far: its runs, proofs and findings, and the summary of them on disk."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from harness.exit_status import ExitStatus
from harness.results import RunResult
from harness.results.ablation import ProofResult
from harness.results.files import write_atomically
from harness.results.finding import Finding
from harness.results.folder import ResultsFolder
from harness.results.model import RunInfo, SummaryRead
from harness.results.summary import RunTexts, Summary, Times
from harness.suite.publisher import Publisher
from harness.suite.selection.unavailable import Unavailable
from harness.suite.status import exit_status

FoundT = TypeVar("FoundT")
UNWRITTEN = "results"


class Record:
    """Collects results from any thread, and keeps `summary.json` up to date.

    `told`: called with a sentence when something could not be written.
    """

    def __init__(
        self,
        folder: ResultsFolder,
        info: RunInfo,
        *,
        selection: Sequence[str],
        listed: Mapping[str, Unavailable],
        strict: bool,
        publisher: Publisher,
        told: Callable[[str], None],
    ) -> None:
        self._began = time.monotonic()
        self._folder = folder
        self._info = info
        self._selection = tuple(selection)
        self._listed = listed
        self._strict = strict
        self._publisher = publisher
        self._told = told
        self._lock = threading.RLock()
        self._stack_s = 0.0
        self._texts = RunTexts()
        self._sections: dict[str, Mapping[str, Any]] = {}
        self.json = ""
        """The summary so far, as JSON."""
        self.unpublished = ""
        """Why the report could not be written, set when the session has ended; empty if it was."""
        self.results: list[RunResult] = []
        self.proofs: list[ProofResult] = []
        self.findings: list[Finding] = []
        self.write(complete=False, status=None)

    @property
    def status(self) -> ExitStatus:
        """The exit status of the results so far."""
        return exit_status(self.results, self.proofs, listed=self._listed, strict=self._strict, findings=self.findings)

    @property
    def times(self) -> Times:
        """How the time was spent so far."""
        return Times(
            total_s=time.monotonic() - self._began,
            stack_s=self._stack_s,
            scenarios_s=sum(result.duration_s for result in self.results),
            around_s=sum(result.overhead_s for result in self.results),
        )

    def ran(self, result: RunResult) -> None:
        """Add a run's result."""
        with self._lock:
            self.results.append(result)
            self.write(complete=False, status=None)

    def proved(self, proof: ProofResult) -> None:
        """Add a proof's result."""
        with self._lock:
            self.proofs.append(proof)
            self.write(complete=False, status=None)

    def found(self, findings: Iterable[Finding]) -> None:
        """Add findings about a run that are not there yet. They are written with its result."""
        with self._lock:
            self.findings += [each for each in findings if each not in self.findings]

    def add(self, section: str, data: Mapping[str, Any], findings: Sequence[Finding]) -> None:
        """Add findings that belong to no single run."""
        self._sections[section] = data
        self.findings += findings
        self.write(complete=False, status=None)

    def stack_up(self, seconds: float, versions: Mapping[str, str]) -> None:
        """Add the time that servers took to start, and their versions."""
        with self._lock:
            self._stack_s += seconds
            self._info = dataclasses.replace(self._info, versions={**self._info.versions, **versions})

    def summary(self, *, complete: bool, status: ExitStatus | None) -> Summary:
        """The summary of everything so far."""
        return Summary(
            info=self._info,
            selection=self._selection,
            results=self._in_order(self.results, lambda result: result.key.id),
            proofs=self._in_order(self.proofs, lambda proof: proof.id),
            sections=dict(self._sections),
            findings=tuple(self.findings),
            times=self.times,
            complete=complete,
            exit_status=None if status is None else int(status),
        )

    def so_far(self) -> SummaryRead:
        """The summary so far, as a reader of `summary.json` gets it."""
        return self.summary(complete=True, status=self.status).read(self._folder.relative)

    def write(self, *, complete: bool, status: ExitStatus | None) -> None:
        """Write the summary; with a status, publish the verdicts, too."""
        summary = self.summary(complete=complete, status=status)
        self.json = summary.text(self._folder.relative, self._texts)
        try:
            write_atomically(self._folder.summary, self.json)
        except OSError as problem:
            self.unwritten(self._folder.summary, str(problem))
        try:
            if status is not None:
                self._publisher.judged(summary, self._folder)
        except OSError as problem:
            self.unwritten(self._folder.junit, str(problem))
            if status is ExitStatus.HELD:  # the summary says 0, which is no longer true
                self.write(complete=complete, status=self.status)

    def publish(self) -> None:
        """Write the report of a session that has ended. If that fails, the verdict stays as it is."""
        try:
            self.unpublished = self._publisher.ended(self._folder)
        except OSError as problem:
            self.unpublished = str(problem)

    def unwritten(self, path: Path, problem: str) -> None:
        """Report once per session that a file could not be written: a result that held then lacks its evidence."""
        with self._lock:
            if not any(finding.section == UNWRITTEN for finding in self.findings):
                sentence = f"{path.name}: could not be written: {problem}. Make room, and run again."
                self.findings.append(Finding(UNWRITTEN, path.name, "not written", sentence, inconclusive=True))
                self._told(sentence)

    def _in_order(self, found: Sequence[FoundT], id_of: Callable[[FoundT], str]) -> tuple[FoundT, ...]:
        """In the order of the selection, not in the order in which the lanes ended."""
        place = {name: number for number, name in enumerate(self._selection)}
        return tuple(sorted(found, key=lambda each: place.get(id_of(each), len(place))))
