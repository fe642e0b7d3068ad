from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.processes.keeper import Keeper
from harness.protocols.postgres.server import PostgresServer
from harness.protocols.redis.server import RedisServer
from harness.stack import Launch, private_folder
from harness.stack.servers.deaths import DeathWatch


@pytest.fixture
def folder() -> Iterator[Path]:
    """A private folder that ends with the test."""
    with private_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def deaths() -> DeathWatch:
    """What the module's servers report to."""
    return DeathWatch()


@pytest.fixture(scope="module")
def postgres(keeper: Keeper, deaths: DeathWatch) -> Iterator[PostgresServer]:
    """A PostgreSQL alone, for the tests of one module."""
    with private_folder() as folder, PostgresServer.start(Launch(keeper, folder, deaths=deaths)) as server:
        yield server


@pytest.fixture(scope="module")
def redis(keeper: Keeper, deaths: DeathWatch) -> Iterator[RedisServer]:
    """A Redis alone, for the tests of one module."""
    with private_folder() as folder, RedisServer.start(Launch(keeper, folder, deaths=deaths)) as server:
        yield server
