"""The plugin's hooks."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from harness.checks import Verdict
from harness.errors import HarnessError, UsageError
from harness.plugin.ids import parameter_id
from harness.plugin.options import add_options
from harness.plugin.reports import NotHeldError, fit_report
from harness.plugin.running import STASH, PytestRun
from harness.target import load_target

MARKERS = (
    "proves(proof): what makes a scenario fail; written by harness.proves",
    "needs(*what): what the machine must have for a scenario; written by harness.needs",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers; refuse a target that was named and cannot be read."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    config.stash[STASH] = PytestRun(config)
    target = config.getoption("harness_target")
    if target:
        try:
            load_target(config.invocation_params.dir / target)
        except UsageError as problem:
            raise pytest.UsageError(str(problem)) from problem


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name faults, links and outcomes by their own ids."""
    return parameter_id(val)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Read the scenarios; whatever is wrong with one stops the run before it begins."""
    try:
        config.stash[STASH].collect(items)
    except HarnessError as problem:
        raise pytest.UsageError(str(problem)) from problem


def pytest_collection_finish(session: pytest.Session) -> None:
    """Know which scenarios were selected in the end."""
    session.config.stash[STASH].keep(session.items)


def pytest_report_collectionfinish(config: pytest.Config) -> str | None:
    """Say what they will run on."""
    return config.stash[STASH].describe()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a scenario, checks included: its verdict is one outcome."""
    known = pyfuncitem.config.stash[STASH]
    if pyfuncitem.nodeid not in known.scenarios:
        return None
    result = known.run(pyfuncitem)
    if result.verdict is Verdict.UNAVAILABLE:
        pytest.skip(result.reason)
    if result.verdict is not Verdict.HELD:
        raise NotHeldError(result.reason)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell the story of a scenario's run instead of a traceback."""
    report = yield
    known = item.config.stash[STASH]
    result = known.results.get(item.nodeid)
    if isinstance(item, pytest.Function) and result is not None and call.when == "call":
        fit_report(report, result, item)
    elif call.when == "call" and report.passed:
        known.others_passed = True
    known.failed += report.failed
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the results and take the servers down."""
    session.exitstatus = session.config.stash[STASH].end(int(exitstatus))
