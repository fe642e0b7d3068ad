from __future__ import annotations

import os
import secrets
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import pytest_asyncio

from harness.processes.keeper import Keeper, PreloadedPython, PreloadSpec, ProcessSpec
from harness.protocols.postgres.server import PostgresServer
from harness.protocols.redis.server import RedisServer
from harness.stack import Launch, Stack, private_folder
from harness.stack.blocking import run_blocking
from harness.target import load_target
from tests.webhook.support import END, ROOT, WAIT_S, Database, Starter, base_environment

TEMPLATE = "webhook_template"


def _in_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def _execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def _migrated(keeper: Keeper, admin_url: str, folder: Path) -> None:
    """Make the template by the service's own migrations."""
    run_blocking(_execute(admin_url, f"CREATE DATABASE {TEMPLATE}"))
    environment = {
        **base_environment(),
        "DATABASE_URL": _in_database(admin_url, TEMPLATE),
        "REDIS_URL": "redis://127.0.0.1:1",
    }
    argv = (sys.executable, "-m", "webhook", "migrate")
    spec = ProcessSpec(name="migrate", argv=argv, env=environment, cwd=ROOT, log=folder / "migrate.log")
    process = keeper.spawn(spec)
    assert process.wait(WAIT_S * 3) == 0, process.log.read()


@pytest.fixture(scope="session")
def migrated(keeper: Keeper, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The shared server's URL, with a migrated template in it."""
    url = stack.of(PostgresServer).url()
    _migrated(keeper, url, tmp_path_factory.mktemp("migrate"))
    return url


@pytest_asyncio.fixture
async def database(migrated: str) -> AsyncIterator[Database]:
    name = f"webhook_{secrets.token_hex(6)}"
    await _execute(migrated, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield Database(_in_database(migrated, name))
    await _execute(migrated, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def preloaded(keeper: Keeper, tmp_path_factory: pytest.TempPathFactory) -> PreloadedPython:
    """A Python with the service's libraries: those that the target names."""
    service = load_target(ROOT / "scenarios" / "target.toml").description.service
    log = tmp_path_factory.mktemp("preloaded") / "preloaded.log"
    program = (sys.executable, "-m", "webhook")
    env = {"PATH": os.defpath}
    modules, own = tuple(service.preload), tuple(service.preload_own)
    return keeper.preload(PreloadSpec(program=program, modules=modules, own=own, env=env, cwd=ROOT, log=log))


@pytest.fixture
def starter(
    keeper: Keeper, preloaded: PreloadedPython, stack: Stack, database: Database, tmp_path: Path
) -> Iterator[Starter]:
    environment = {
        "DATABASE_URL": database.url,
        "REDIS_URL": stack.of(RedisServer).url(),
        "WEBHOOK_REDIS_PREFIX": f"{secrets.token_hex(6)}:",
    }
    starter = Starter(keeper, preloaded, tmp_path, environment, database)
    yield starter
    for process in starter.started:
        process.stop(signum=END)


@pytest.fixture
def own_redis(keeper: Keeper) -> Iterator[RedisServer]:
    """A Redis that a test may stop, pause and fill."""
    with private_folder() as folder, RedisServer.start(Launch(keeper, folder)) as server:
        yield server


@pytest.fixture(scope="module")
def own_postgres(keeper: Keeper, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A PostgreSQL that a test may stop and configure; the test leaves it running."""
    with private_folder() as folder, PostgresServer.start(Launch(keeper, folder)) as server:
        _migrated(keeper, server.url(), tmp_path_factory.mktemp("migrate"))
        yield server


@pytest.fixture
def own_database(own_postgres: PostgresServer) -> Database:
    """A fresh, migrated database on the PostgreSQL of this module's own."""
    name = f"webhook_{secrets.token_hex(6)}"
    run_blocking(_execute(own_postgres.url(), f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}"))
    return Database(own_postgres.url(database=name))
