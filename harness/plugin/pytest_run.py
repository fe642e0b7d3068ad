"""The scenarios of one pytest run, their problems, and the session that runs them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.checks import Verdict
from harness.errors import UsageError
from harness.exit_status import ExitStatus
from harness.plugin.fixture import is_scenario
from harness.plugin.items import scenario_of, with_an_id_taken
from harness.plugin.reports import NotHeldError, fit_problem, fit_report
from harness.plugin.settings import settings_of
from harness.plugin.uncollected import shadowed
from harness.present.pages import Pages
from harness.results import RunResult
from harness.results.places import shown
from harness.scenario.scenario import Scenario
from harness.stack.servers.urls import redacted
from harness.suite import Session, SuiteSettings, check_profile, read_unavailable
from harness.suite.info import Command
from harness.suite.selection.unavailable import FILE
from harness.suite.selection.words import ambiguous_words
from harness.target import Target, load_target


@dataclass(slots=True)
class PytestRun:
    """The plugin's data on a pytest run with scenarios. It is kept in the stash of pytest's configuration."""

    config: pytest.Config
    settings: SuiteSettings | None = None
    target: Target | None = None
    scenarios: dict[str, Scenario] = field(default_factory=dict)
    """Scenarios by pytest's node id."""
    problems: dict[str, str] = field(default_factory=dict)
    """Why a test that takes the lab is not a scenario, by node id."""
    results: dict[str, RunResult] = field(default_factory=dict)
    """By pytest's node id."""
    session: Session | None = None
    others_passed: bool = False
    """Whether a test that is not a scenario has passed."""
    failed: int = 0
    """How many items pytest counts as failed, for any reason."""

    def collect(self, items: Sequence[pytest.Item]) -> None:
        """Read the scenarios among the items. A wrong one is in `problems`, and does not affect other tests.

        Raises UsageError for options that do not fit the target: they concern the whole run.
        """
        functions = [item for item in items if isinstance(item, pytest.Function)]
        found = [item for item in functions if is_scenario(item)]
        self.settings = settings_of(self.config, _folder(found))
        try:
            self.target = load_target(self.settings.target_file)
        except UsageError as problem:
            self.problems |= {item.nodeid: str(problem) for item in found}
            return
        check_profile(self.settings, self.target)
        for item in found:
            try:
                self.scenarios[item.nodeid] = scenario_of(item, self.target.description)
            except UsageError as problem:
                self.problems[item.nodeid] = str(problem)
        self._check_ids()
        self._check_names(functions, files={item.path for item in found})
        for nodeid in self.problems:
            self.scenarios.pop(nodeid, None)

    def _check_ids(self) -> None:
        nodes = {id(scenario): nodeid for nodeid, scenario in self.scenarios.items()}
        for scenario, problem in with_an_id_taken(self.scenarios.values()):
            self.problems[nodes[id(scenario)]] = str(problem)

    def _check_names(self, functions: Sequence[pytest.Function], files: Collection[Path]) -> None:
        """Report a function that replaces another one with its name: the first may be a scenario that would not run."""
        for file in files:
            for replaced, problem in shadowed(file, shown(str(file))):
                last = (item.nodeid for item in functions if (item.path, item.originalname) == (file, replaced.name))
                self.problems |= dict.fromkeys(last, str(problem))

    def keep(self, items: Sequence[pytest.Item]) -> None:
        """Keep only these scenarios: others were deselected."""
        kept = {item.nodeid for item in items}
        self.scenarios = {nodeid: scenario for nodeid, scenario in self.scenarios.items() if nodeid in kept}
        self.problems = {nodeid: problem for nodeid, problem in self.problems.items() if nodeid in kept}

    def describe(self) -> list[str]:
        """Return what the scenarios will run on and, if the run only collects, their problems."""
        lines = []
        if self.scenarios and self.settings is not None and self.target is not None:
            settings, stack = self.settings, self.settings.stack
            without = f" without {', '.join(settings.without)}" if settings.without else ""
            profile = check_profile(settings, self.target)
            servers = [f"{each.title} {redacted(stack.place_of(each))}" for each in self.target.servers]
            lines.append(
                f"harness: {len(self.scenarios)} scenarios, target {settings.target_file}, profile {profile}{without},"
                f" seed {settings.seed}, {', '.join([*servers, f'Toxiproxy {stack.toxiproxy}'])}"
            )
        if self.config.option.collectonly:
            lines += [f"harness: {problem}" for problem in self.problems.values()]
        return lines

    def play(self, item: pytest.Function) -> None:
        """Run one scenario; the first one starts the servers. Ends the call by its verdict, unless it held."""
        if self.session is None:
            self.session = self._new_session()
        result = self.results[item.nodeid] = self.session.run(self.scenarios[item.nodeid])
        if result.verdict is Verdict.UNAVAILABLE:
            pytest.skip(result.reason)
        if result.verdict is not Verdict.HELD:
            raise NotHeldError(result.reason)

    def fit(self, report: pytest.TestReport, item: pytest.Item) -> None:
        """Make a scenario's report show its verdict, or its problem if it has one. Count other tests."""
        result = self.results.get(item.nodeid)
        if report.when == "setup" and item.nodeid in self.problems:
            fit_problem(report, self.problems[item.nodeid])
        elif report.when == "call" and result is not None and isinstance(item, pytest.Function):
            fit_report(report, result, item)
        elif report.when == "call" and report.passed:
            self.others_passed = True
        self.failed += report.failed

    def _new_session(self) -> Session:
        if self.settings is None or self.target is None:
            raise RuntimeError("a scenario is run that was not collected")
        ids = [scenario.id for scenario in self.scenarios.values()]
        listed = read_unavailable(self.settings.scenarios / FILE)  # a part of the suite: other ids may be listed
        words = ("python", "-m", "pytest", *(str(word) for word in self.config.invocation_params.args))
        command, pages = Command("pytest", words), Pages()
        session = Session(self.settings, self.target, command=command, selection=ids, listed=listed, publisher=pages)
        session.ambiguous = ambiguous_words(self.scenarios.values())
        return session

    def end(self, status: int) -> int:
        """Write the results, stop the servers, and return the status with which pytest must end."""
        if self.session is None:
            return status
        with self.session:
            if status == pytest.ExitCode.INTERRUPTED:
                self.session.interrupted()
                return status
            own = self.session.finish()
        return self._status(status, own)

    def _status(self, status: int, own: ExitStatus) -> int:
        """Return pytest's status, unless the session's is worse, or everything that did not pass is inconclusive."""
        others = self.others_passed
        if status == pytest.ExitCode.OK and own is not ExitStatus.HELD:
            return status if own is ExitStatus.NOTHING_RAN and others else int(own)
        inconclusive = sum(1 for result in self.results.values() if result.verdict is Verdict.INCONCLUSIVE)
        only_inconclusive = own is ExitStatus.INCONCLUSIVE and self.failed == inconclusive
        return int(own) if status == pytest.ExitCode.TESTS_FAILED and only_inconclusive else status


def _folder(items: Sequence[pytest.Item]) -> Path:
    """The folder of the scenarios: the nearest one above the first that has a target description."""
    first = items[0].path.parent
    found = next((folder for folder in (first, *first.parents) if (folder / "target.toml").is_file()), first)
    here = Path.cwd()
    return found.relative_to(here) if found.is_relative_to(here) else found
