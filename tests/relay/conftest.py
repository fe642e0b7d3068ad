from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.processes.keeper import Keeper
from harness.relay import RelayServer
from harness.stack import private_folder


@pytest.fixture(scope="session")
def relay(keeper: Keeper) -> Iterator[RelayServer]:
    """One relay for all tests: each has a control connection, and so hops, of its own."""
    with private_folder() as folder, RelayServer.start(keeper, folder) as relay:
        yield relay
        assert relay.log.read() == ""
