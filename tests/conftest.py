"""Real servers for every test that asks for them: one set for the whole session."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from harness.processes.keeper import Keeper
from harness.stack import Stack, StackConfiguration, private_folder
from tests.servers import BOTH

# A loaded machine is no failure of what is tested. And a commit must fail by what it changed, so all runs have the same
# examples. `tox run -e explore` has new ones each time; a defect that it finds becomes an `@example`.
STEADY, EXPLORE = "steady", "explore"
settings.register_profile(
    STEADY,
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(EXPLORE, settings.get_profile(STEADY), derandomize=False, max_examples=1_000)


def pytest_configure(config: pytest.Config) -> None:
    """Choose the examples of Hypothesis, unless the command line does."""
    if not config.getoption("--hypothesis-profile"):
        settings.load_profile(STEADY)


@pytest.fixture(scope="session", autouse=True)
def heeded_interrupts() -> None:
    """Have SIGINT heeded here and in every child: a shell has its background jobs ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _modules_of_its_own_go(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Forget the modules that a test imported from its own folder: the next test has another file of that name."""
    before = set(sys.modules)
    yield
    folder = str(tmp_path_factory.getbasetemp())
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(folder):
            del sys.modules[name]


@pytest.fixture(scope="session")
def keeper() -> Iterator[Keeper]:
    with Keeper.start() as keeper:
        yield keeper


@pytest.fixture(scope="session")
def stack(keeper: Keeper) -> Iterator[Stack]:
    """PostgreSQL, Redis and Toxiproxy, shared: make databases, roles and proxies of your own in them."""
    with private_folder() as folder, Stack.start(BOTH, StackConfiguration(), folder, keeper=keeper) as stack:
        yield stack
