"""The scenarios of one pytest run, and the session that runs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.checks import Verdict
from harness.errors import UsageError
from harness.plugin.options import settings_of
from harness.plugin.reading import check_unique, is_scenario, scenario_of
from harness.plugin.vanished import shadowed
from harness.present.pages import Pages
from harness.results import RunResult
from harness.results.places import shown
from harness.scenario.scenario import Scenario
from harness.suite import ExitStatus, Session, SuiteSettings, check_profile, read_unavailable
from harness.suite.unavailable import FILE
from harness.target import Target, load_target


@dataclass(slots=True)
class PytestRun:
    """What the plugin knows. One in a pytest session, in its configuration's stash."""

    config: pytest.Config
    settings: SuiteSettings | None = None
    target: Target | None = None
    scenarios: dict[str, Scenario] = field(default_factory=dict)
    """By node id."""
    results: dict[str, RunResult] = field(default_factory=dict)
    """By node id."""
    session: Session | None = None
    others_passed: bool = False
    """Whether a test that is no scenario has passed."""
    failed: int = 0
    """How many items pytest counts as failed, by whatever cause."""

    def collect(self, items: Sequence[pytest.Item]) -> None:
        """Read every scenario among the items. Raises UsageError that tells every problem."""
        found = [item for item in items if isinstance(item, pytest.Function) and is_scenario(item)]
        if not found:
            return
        self.settings = settings_of(self.config, _folder(found))
        self.target = load_target(self.settings.target_file)
        check_profile(self.settings, self.target)
        files = dict.fromkeys(item.path for item in found)
        problems = [str(problem) for file in files for problem in shadowed(file, shown(str(file)))]
        for item in found:
            try:
                self.scenarios[item.nodeid] = scenario_of(item, self.target.description)
            except UsageError as problem:
                problems.append(str(problem))
        if problems:
            raise UsageError("\n".join(problems))
        check_unique(list(self.scenarios.values()))

    def keep(self, items: Sequence[pytest.Item]) -> None:
        """Forget what was deselected."""
        kept = {item.nodeid for item in items}
        self.scenarios = {nodeid: scenario for nodeid, scenario in self.scenarios.items() if nodeid in kept}

    def describe(self) -> str | None:
        """Say what the scenarios will run on; None when there are none."""
        if not self.scenarios or self.settings is None or self.target is None:
            return None
        settings, stack = self.settings, self.settings.stack
        without = f" without {', '.join(settings.without)}" if settings.without else ""
        profile = check_profile(settings, self.target)
        return (
            f"harness: {len(self.scenarios)} scenarios, target {settings.target_file}, profile {profile}{without},"
            f" seed {settings.seed}, PostgreSQL {stack.postgres}, Redis {stack.redis}, Toxiproxy {stack.toxiproxy}"
        )

    def run(self, item: pytest.Function) -> RunResult:
        """Run one scenario; the servers come up with the first."""
        if self.session is None:
            self.session = self._new_session()
        result = self.session.run(self.scenarios[item.nodeid])
        self.results[item.nodeid] = result
        return result

    def _new_session(self) -> Session:
        if self.settings is None or self.target is None:
            raise RuntimeError("a scenario runs that was never collected")
        ids = [scenario.id for scenario in self.scenarios.values()]
        listed = read_unavailable(self.settings.scenarios / FILE)  # a part of the suite: other ids may be listed
        command = ("python", "-m", "pytest", *(str(word) for word in self.config.invocation_params.args))
        return Session(self.settings, self.target, command=command, selection=ids, listed=listed, publisher=Pages())

    def end(self, status: int) -> int:
        """Write the results, take the servers down, and say with which status pytest must end."""
        if self.session is None:
            return status
        with self.session:
            if status == pytest.ExitCode.INTERRUPTED:
                self.session.interrupted()
                return status
            own = self.session.finish()
        return self._status(status, own)

    def _status(self, status: int, own: ExitStatus) -> int:
        """Unlisted is failed; nothing run is not passed; only inconclusive is no failure."""
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


STASH = pytest.StashKey[PytestRun]()
