"""The fixtures of an ordinary test that breaks the servers of its application.

Every pytest run loads this, so it imports the harness only when a test uses one of the fixtures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from harness.chaos import Chaos, ChaosServers

SCOPE = "harness_chaos_scope"
"""The ini setting."""
SCOPES = ("function", "class", "module", "package", "session")


@pytest.fixture(scope="session")
def chaos_servers() -> Mapping[str, str]:
    """URLs of the user's own servers, by protocol; override this fixture. Missing servers are started."""
    return {}


@pytest.fixture(scope="session")
def chaos_stack(pytestconfig: pytest.Config, chaos_servers: Mapping[str, str]) -> Iterator[ChaosServers]:
    """Keep the servers of a session. With xdist, each worker has its own."""
    from harness.chaos import ChaosServers  # noqa: PLC0415  # only where a test takes it
    from harness.plugin.settings import settings_of  # noqa: PLC0415  # likewise

    reporter = pytestconfig.pluginmanager.get_plugin("terminalreporter")  # none in a worker of xdist
    progress = None if reporter is None else reporter.write_line
    with ChaosServers(settings_of(pytestconfig).stack, chaos_servers, progress=progress) as servers:
        yield servers


def check_scope(scope: str, file: str) -> None:
    """Refuse a scope that pytest does not have. `file`: the file that contains it. Raises pytest.UsageError."""
    if scope not in SCOPES:
        from harness.errors import UsageError  # noqa: PLC0415  # only where it is wrong

        problem = UsageError.at(file, SCOPE, scope, "not a scope of pytest", valid=SCOPES)
        raise pytest.UsageError(str(problem))


def _scope(fixture_name: str, config: pytest.Config) -> Any:
    del fixture_name
    return cast("str", config.getini(SCOPE))


@pytest.fixture(scope=_scope)
def chaos(chaos_stack: ChaosServers) -> Iterator[Chaos]:
    """Give the test its own databases, behind the relay and Toxiproxy, and the means to break them."""
    with chaos_stack.laid() as laid:
        yield laid


__all__ = ["SCOPE", "chaos", "chaos_servers", "chaos_stack", "check_scope"]
