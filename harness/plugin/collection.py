"""Uses pytest to collect the scenarios of a folder, without running them."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.plugin.fixture import is_scenario
from harness.plugin.import_errors import import_error
from harness.plugin.items import check_unique, first_line, scenario_of
from harness.plugin.uncollected import uncollected
from harness.results.places import shown
from harness.results.text import visible
from harness.scenario.scenario import Scenario
from harness.target import TargetDescription

PLUGIN = "harness.pytest_plugin"
ADDED_OPTIONS = "PYTEST_ADDOPTS"
COLLECTED = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
QUIET = ("-o", "addopts=", "-o", "python_files=*.py")
SAY_NEEDS = "take that out; what a machine lacks is said with harness.needs"
NO_PART_IN_IT = ("-p", "no:schemathesis", "-p", "no:unraisableexception")
"""A plugin that makes collecting twice as slow, and none of whose tests are scenarios; and one that collects all
garbage at the end to report errors of destructors, which collecting alone does not cause."""
EXCUSED = (
    "-W", "ignore:Module already imported so cannot be rewritten:pytest.PytestAssertRewriteWarning",
    "-W", "ignore::pytest.PytestConfigWarning",
)  # fmt: skip
"""pytest's warnings that a project may turn into errors: about the harness when it is installed and runs pytest itself,
and about settings of plugins that are not installed beside the harness. Scenarios need none of these."""


class _Collector:
    """A pytest plugin that keeps the scenarios that pytest collects, and silences its output."""

    def __init__(self, target: TargetDescription) -> None:
        self._target = target
        self.scenarios: list[Scenario] = []
        self.problems: list[str] = []
        self._files: dict[str, Path] = {}
        """Each module by pytest's id, without the modules that could not be imported."""

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            config.pluginmanager.unregister(reporter)

    def pytest_exception_interact(self, node: pytest.Collector, call: pytest.CallInfo[object]) -> None:
        if call.excinfo is not None:
            self.problems.append(import_error(call.excinfo.value, node.path, call.excinfo.exconly()))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if not report.passed:
            self._files.pop(report.nodeid, None)
        if report.skipped:
            self.problems.append(f"{report.nodeid}: skips itself, and no scenario may\n  mend: {SAY_NEEDS}")
        self._files |= {node.nodeid: node.path for node in report.result if isinstance(node, pytest.Module)}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        begin: dict[Path, set[int]] = {file: set() for file in self._files.values()}
        for item in items:
            if isinstance(item, pytest.Function) and is_scenario(item):
                begin.setdefault(item.path, set()).add(first_line(item))
                self._read(item)
        items.clear()
        for file, lines in begin.items():
            self.problems += map(str, uncollected(file, shown(str(file)), lines))

    def _read(self, item: pytest.Function) -> None:
        try:
            self.scenarios.append(scenario_of(item, self._target))
        except UsageError as problem:
            self.problems.append(str(problem))


def collect_scenarios(folder: Path, target: TargetDescription) -> Sequence[Scenario]:
    """Return the scenarios in `folder`, in the order of its files.

    pytest collects in this process, with the project's own configuration and conftest files.

    Raises:
        UsageError: with every problem, one after the other.
    """
    if not folder.is_dir():
        raise UsageError.at(
            "--scenarios", "folder", str(folder), "there is no such folder", mend="name one that exists"
        )
    collector = _Collector(target)
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), _without_more_options():
        status = pytest.main(
            ["--collect-only", *QUIET, *NO_PART_IN_IT, *EXCUSED, "-p", "no:harness", str(folder)],
            # Loaded by its module, so that the plugin is there exactly once, installed or not.
            plugins=[importlib.import_module(PLUGIN), collector],
        )
    if status not in COLLECTED and not collector.problems:
        if status == pytest.ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        collector.problems.append(visible(said.getvalue()).strip() or f"pytest ended with status {status!r}")
    if collector.problems:
        raise UsageError("\n".join(collector.problems))
    check_unique(collector.scenarios)
    return collector.scenarios


@contextlib.contextmanager
def _without_more_options() -> Iterator[None]:
    """Hide PYTEST_ADDOPTS from pytest: with a `-k` in it, a gate would not run everything."""
    kept = os.environ.pop(ADDED_OPTIONS, None)
    try:
        yield
    finally:
        if kept is not None:
            os.environ[ADDED_OPTIONS] = kept
