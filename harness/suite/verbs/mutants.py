"""Runs the scenario that each mutant names against a mutated copy of the service."""

from __future__ import annotations

import functools
import shlex
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from harness.checks import Verdict
from harness.invocation import harness_words
from harness.proof.mutant_results import (
    SECTION,
    MutantResult,
    equivalent,
    judge_mutant,
    judge_unrun,
    section_of,
)
from harness.proof.mutants import FILE, Mutant, read_mutants
from harness.proof.mutating import place_all, write_copy, write_mutated
from harness.results import Role, RunKey, RunResult
from harness.scenario.scenario import Scenario
from harness.stack import private_folder
from harness.suite.selection.chosen import Chosen
from harness.suite.session import Session

FOLDER = "mutants"
"""The folder in a run's folder that contains one folder per mutant, with the history and the log of its run."""
UNCHANGED = "_unchanged"
"""The unchanged copy's folder. No mutant may have this name."""


class MutantTrial:
    """Runs the named scenario against each mutated copy of the service, and judges."""

    def __init__(self, suite: Chosen, words: Sequence[str], file: Path | None) -> None:
        """Read the list, and choose from it. Raises UsageError for a list that cannot be run.

        Args:
            suite: the whole suite.
            words: mutants' ids, or files' names; none is all.
            file: the list; None is mutants.toml beside the scenarios.
        """
        listed = read_mutants(file or suite.settings.scenarios / FILE, {scenario.id for scenario in suite.scenarios})
        for mutant in listed.mutants:
            suite.target.settings(suite.profile, mutant.without)  # raises for an unknown protection
        mutants = listed.select(words)
        self._suite = suite
        self._listed = listed
        self._mutants = mutants
        self._texts: Mapping[str, str] = place_all(listed, suite.target.directory)
        self._lock = threading.Lock()
        self._found: dict[str, MutantResult] = {}
        wanted = {mutant.scenario for mutant in mutants}
        self.scenarios = [scenario for scenario in suite.scenarios if scenario.id in wanted]

    def run(self, session: Session, judged: Callable[[MutantResult], object]) -> Sequence[MutantResult]:
        """Try each scenario's mutants on the servers on which it has just held against an unchanged copy.

        `judged` is called with each result. All results, even of an interrupted run, go into the summary.
        """
        for mutant in self._mutants:
            if mutant.equivalent:
                self._add(equivalent(mutant), judged)
        try:
            with private_folder() as copies:
                write_copy(copies / UNCHANGED, self._listed, self._suite.target.directory)
                session.each(self.scenarios, functools.partial(self._scenario, session, judged, copies))
        finally:
            self._conclude(session)
        return self.results

    @property
    def results(self) -> Sequence[MutantResult]:
        """All so far, in the order of the list."""
        return [self._found[mutant.id] for mutant in self._mutants if mutant.id in self._found]

    def _conclude(self, session: Session) -> None:
        results = self.results
        findings = [each.finding for each in results if each.finding]
        session.record.add(SECTION, section_of(str(self._listed.path), results), findings)

    def _scenario(
        self, session: Session, judged: Callable[[MutantResult], object], copies: Path, scenario: Scenario
    ) -> None:
        mutants = [mutant for mutant in self._mutants if mutant.scenario == scenario.id]
        controls: dict[RunKey, RunResult] = {}
        plain = RunKey(scenario.id, session.profile)
        controls[plain] = self._control(session, scenario, plain, "scenario", mutants[0], copies)
        for mutant in mutants:
            key = RunKey(scenario.id, session.profile, mutant.without)
            if key not in controls:
                controls[key] = self._control(session, scenario, key, "control", mutant, copies)
            self._add(self._tried(session, scenario, mutant, controls[key], copies), judged)

    def _control(
        self, session: Session, scenario: Scenario, key: RunKey, role: Role, mutant: Mutant, copies: Path
    ) -> RunResult:
        """Run the copy without a change: an effect of copying must not look like a mutant's effect."""
        # As one of its mutants will be: what is prepared otherwise is no control.
        prepares = any(self._listed.prepares(each) for each in self._mutants if each.scenario == scenario.id)
        return session.run_copy(
            scenario, key, copies / UNCHANGED, role, repro=self._repro(mutant), prepares_own=prepares
        )

    def _tried(
        self, session: Session, scenario: Scenario, mutant: Mutant, control: RunResult, copies: Path
    ) -> MutantResult:
        if control.verdict is not Verdict.HELD:
            return judge_unrun(mutant, control, self._listed)
        copy = copies / mutant.id
        write_mutated(copy, mutant, self._texts[mutant.id], self._listed, self._suite.target.directory)
        folder, repro = session.folder.path / FOLDER / mutant.id, self._repro(mutant)
        result = session.run_copy(
            scenario, control.key, copy, "ablated", repro=repro, folder=folder,
            prepares_own=self._listed.prepares(mutant),
        )  # fmt: skip
        shutil.rmtree(copy)
        return judge_mutant(mutant, control, result, session.folder.relative(result.history))

    def _repro(self, mutant: Mutant) -> str:
        settings = self._suite.settings
        named = () if self._listed.path == settings.scenarios / FILE else ("--mutant-list", str(self._listed.path))
        words = (*harness_words(), "ablate", "--mutants", mutant.id, "--seed", str(settings.seed))
        return shlex.join([*words, *named, *settings.options()])

    def _add(self, result: MutantResult, judged: Callable[[MutantResult], object]) -> None:
        with self._lock:
            self._found[result.mutant.id] = result
            judged(result)
