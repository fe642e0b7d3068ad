"""`harness ablate --mutants`: runs the named scenario against each mutated copy of the service."""

from __future__ import annotations

import functools
import shlex
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness.checks import Verdict
from harness.cli.chosen import Chosen, choose
from harness.cli.options import Output
from harness.cli.stage import perform
from harness.present.looks import BAD, BOLD, DIM, DOUBT, GOOD
from harness.present.terminal.lines import WORD_WIDTH, Line
from harness.present.terminal.screen import Screen
from harness.proof.mutant_results import (
    SECTION,
    MutantResult,
    MutantVerdict,
    counted,
    equivalent,
    judge_mutant,
    judge_unrun,
    section_of,
)
from harness.proof.mutants import FILE, Mutant, MutantList, read_mutants
from harness.proof.mutating import place_all, write_copy, write_mutated
from harness.results import Role, RunKey, RunResult
from harness.results.repro import harness_words
from harness.results.text import one_line
from harness.scenario.scenario import Scenario
from harness.stack import private_folder
from harness.suite import ExitStatus, Session, SuiteSettings

FOLDER = "mutants"
"""Of a run's folder: a folder a mutant, with the history and the log of its run."""
UNCHANGED = "_unchanged"
"""The copy's folder: no mutant's, since none may be called so."""
MARKS: Mapping[MutantVerdict, tuple[str, str]] = {
    MutantVerdict.KILLED: ("+", GOOD),
    MutantVerdict.EQUIVALENT: ("=", DIM),
    MutantVerdict.UNAVAILABLE: ("-", DIM),
    MutantVerdict.INCONCLUSIVE: ("?", DOUBT),
}


def ablate_mutants(settings: SuiteSettings, output: Output, words: Sequence[str], file: Path | None) -> ExitStatus:
    """Try the mutants of a list that the words name. Raises UsageError before anything is run."""
    suite = choose(settings, ())
    listed = read_mutants(file or settings.scenarios / FILE, {scenario.id for scenario in suite.scenarios})
    for mutant in listed.mutants:
        suite.target.settings(suite.profile, mutant.without)  # raises for a protection that there is not
    texts = place_all(listed, suite.target.directory)
    trial = _Trial(suite, listed, listed.select(words), texts)
    return perform(settings, suite.target, trial.scenarios, output, trial.play, listed=dict(suite.listed))


class _Trial:
    """What is to be tried, and how it went."""

    def __init__(self, suite: Chosen, listed: MutantList, mutants: Sequence[Mutant], texts: Mapping[str, str]) -> None:
        self._suite = suite
        self._listed = listed
        self._mutants = mutants
        self._texts = texts
        self._lock = threading.Lock()
        self._found: dict[str, MutantResult] = {}
        wanted = {mutant.scenario for mutant in mutants}
        self.scenarios = [scenario for scenario in suite.scenarios if scenario.id in wanted]

    def play(self, session: Session, screen: Screen) -> None:
        """Try each scenario's mutants on the servers on which it has just held against an unchanged copy."""
        for mutant in self._mutants:
            if mutant.equivalent:
                self._tell(equivalent(mutant), screen)
        try:
            with private_folder() as copies:
                write_copy(copies / UNCHANGED, self._listed, self._suite.target.directory)
                session.each(self.scenarios, functools.partial(self._scenario, session, screen, copies))
        finally:
            self._conclude(session, screen)

    def _conclude(self, session: Session, screen: Screen) -> None:
        """Put what was found into the summary; of an interrupted run what there is."""
        results = [self._found[mutant.id] for mutant in self._mutants if mutant.id in self._found]
        findings = [each.finding for each in results if each.finding]
        session.add(SECTION, section_of(str(self._listed.path), results), findings)
        screen.write([("mutants: ", ""), (_counts(results), BOLD)])

    def _scenario(self, session: Session, screen: Screen, copies: Path, scenario: Scenario) -> None:
        mutants = [mutant for mutant in self._mutants if mutant.scenario == scenario.id]
        controls: dict[RunKey, RunResult] = {}
        plain = RunKey(scenario.id, session.profile)
        controls[plain] = self._control(session, scenario, plain, "scenario", mutants[0], copies)
        for mutant in mutants:
            key = RunKey(scenario.id, session.profile, mutant.without)
            if key not in controls:
                controls[key] = self._control(session, scenario, key, "control", mutant, copies)
            self._tell(self._tried(session, scenario, mutant, controls[key], copies), screen)

    def _control(
        self, session: Session, scenario: Scenario, key: RunKey, role: Role, mutant: Mutant, copies: Path
    ) -> RunResult:
        """Run the copy without a change: what a copy lacks must not pass for what a mutant does."""
        return session.run_copy(scenario, key, copies / UNCHANGED, role, repro=self._repro(mutant))

    def _tried(
        self, session: Session, scenario: Scenario, mutant: Mutant, control: RunResult, copies: Path
    ) -> MutantResult:
        if control.verdict is not Verdict.HELD:
            return judge_unrun(mutant, control, self._listed)
        copy = copies / mutant.id
        write_mutated(copy, mutant, self._texts[mutant.id], self._listed, self._suite.target.directory)
        folder, repro = session.folder.path / FOLDER / mutant.id, self._repro(mutant)
        result = session.run_copy(scenario, control.key, copy, "ablated", repro=repro, folder=folder)
        shutil.rmtree(copy)
        return judge_mutant(mutant, control, result, session.folder.relative(result.history))

    def _repro(self, mutant: Mutant) -> str:
        settings = self._suite.settings
        named = () if self._listed.path == settings.scenarios / FILE else ("--mutant-list", str(self._listed.path))
        words = (*harness_words(), "ablate", "--mutants", mutant.id, "--seed", str(settings.seed))
        return shlex.join([*words, *named, *settings.options()])

    def _tell(self, result: MutantResult, screen: Screen) -> None:
        with self._lock:
            self._found[result.mutant.id] = result
            screen.write_all(mutant_lines(result))


def mutant_lines(result: MutantResult) -> Iterator[Line]:
    """A line for a mutant: its verdict, its file, who noticed it and how, or why nobody did."""
    mark, style = MARKS.get(result.verdict, ("x", BAD))
    by = f"{result.mutant.scenario}: " if result.mutant.scenario else ""
    yield [
        (f"{mark} {result.verdict.value:{WORD_WIDTH}}", style), (result.mutant.id, BOLD),
        (f"  {result.mutant.file}  {by}{one_line(result.reason)}", ""),
    ]  # fmt: skip


def _counts(results: Sequence[MutantResult]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in counted(results).items()) or "none"
