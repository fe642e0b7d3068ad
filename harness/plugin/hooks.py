"""The plugin's hooks.

Every pytest run with the harness installed loads this module, so it imports almost nothing of the harness. The
rest is imported when a test takes `lab`, or when an option of the harness is given.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from harness.errors import InconclusiveError
from harness.plugin.chaos import SCOPE, check_scope
from harness.plugin.fixture import is_scenario
from harness.plugin.ids import parameter_id
from harness.plugin.options import add_options
from harness.plugin.phases import JUDGED

if TYPE_CHECKING:
    from harness.plugin.pytest_run import PytestRun

MARKERS = (
    "proves(proof): what makes a scenario fail; written by harness.proves",
    "needs(*what): what the machine must have for a scenario; written by harness.needs",
    "nightly(because): why a gate leaves a scenario out; written by harness.nightly",
)
STASH: pytest.StashKey[PytestRun] = pytest.StashKey()
"""Set as soon as a test has taken the lab."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the harness's options and ini settings."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers; refuse a named target that cannot be read."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    check_scope(config.getini(SCOPE), str(config.inipath))
    target = config.getoption("harness_target")
    if target:
        from harness.errors import UsageError  # noqa: PLC0415  # only where a target is named
        from harness.target import load_target  # noqa: PLC0415  # as above

        try:
            load_target(config.invocation_params.dir / target)
        except UsageError as problem:
            raise pytest.UsageError(str(problem)) from problem


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name faults, links and outcomes by their own ids."""
    return parameter_id(val)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Read the scenarios; options that do not fit their target stop the run before it begins."""
    if not any(is_scenario(item) for item in items):
        return
    from harness.errors import HarnessError  # noqa: PLC0415  # only where a test takes the lab
    from harness.plugin.pytest_run import PytestRun  # noqa: PLC0415  # as above

    known = config.stash[STASH] = PytestRun(config)
    try:
        known.collect(items)
    except HarnessError as problem:
        raise pytest.UsageError(str(problem)) from problem


def pytest_collection_finish(session: pytest.Session) -> None:
    """Record which scenarios were selected in the end."""
    known = session.config.stash.get(STASH, None)
    if known is not None:
        known.keep(session.items)


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Show what the scenarios will run on."""
    known = config.stash.get(STASH, None)
    return [] if known is None else known.describe()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """End a test that takes the lab wrongly before it begins; the others run."""
    known = item.config.stash.get(STASH, None)
    if known is not None and item.nodeid in known.problems:
        pytest.fail(known.problems[item.nodeid], pytrace=False)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a scenario, checks included: its verdict is one outcome."""
    known = pyfuncitem.config.stash.get(STASH, None)
    if known is None or pyfuncitem.nodeid not in known.scenarios:
        return None
    known.play(pyfuncitem)
    return True


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the story of a scenario's run instead of a traceback.

    A test that proves nothing is an error, not a failure.
    """
    report = yield
    if call.excinfo is not None and call.excinfo.errisinstance(InconclusiveError):
        report.when = JUDGED  # type: ignore[assignment]  # see `fit_report`
    known = item.config.stash.get(STASH, None)
    if known is not None:
        known.fit(report, item)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.CollectReport | pytest.TestReport) -> tuple[str, str, str] | None:
    """A run that proves nothing is an error. pytest itself captures only the output of its own phases."""
    return ("error", "E", "ERROR") if report.when == JUDGED and report.failed else None


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the results and stop the servers."""
    known = session.config.stash.get(STASH, None)
    if known is not None:
        session.exitstatus = known.end(int(exitstatus))
