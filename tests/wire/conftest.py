from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.keeper import Keeper
from harness.stack import private_folder
from harness.wire import RelayServer


@pytest.fixture(scope="session")
def relay(keeper: Keeper) -> Iterator[RelayServer]:
    """One relay for all tests: each has a control connection, and so hops, of its own."""
    with private_folder() as folder, RelayServer.start(keeper, folder) as relay:
        yield relay
        assert relay.log.read() == ""
