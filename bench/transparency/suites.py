"""The suites: their tests, how they get a server's address, and which tests cannot run here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from harness.addresses import HostPort
from harness.processes.keeper import Keeper
from harness.protocols.postgres.server import PostgresServer
from harness.protocols.redis.server import RedisServer
from harness.stack import Launch

LISTS = Path(__file__).resolve().parent
Server = PostgresServer | RedisServer
Starts = Callable[[Keeper, Path], Server]
Told = tuple[Sequence[str], Mapping[str, str]]
"""Further arguments of pytest, and further environment variables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """One project's tests. `excused`: the file that lists tests that may differ, with the reasons.

    `excused_in_tls`: those that may differ if all connections use TLS; None: the suite cannot use TLS.
    """

    name: str
    distribution: str
    protocol: str
    starts: Starts
    told: Callable[[Server, HostPort], Told]
    excused: Path
    excused_in_tls: Path | None = None


def start_postgres(keeper: Keeper, folder: Path) -> PostgresServer:
    """Start a PostgreSQL."""
    return PostgresServer.start(Launch(keeper, folder))


def start_redis(keeper: Keeper, folder: Path) -> RedisServer:
    """Start a Redis."""
    return RedisServer.start(Launch(keeper, folder))


def libpq_environment(server: Server, address: HostPort) -> Mapping[str, str]:
    """The environment that gives libpq, and clients like it, a server's address."""
    parts = urlsplit(server.url())
    return {
        "PGHOST": address.host,
        "PGPORT": str(address.port),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": "postgres",
    }


def _told_postgres(server: Server, address: HostPort) -> Told:
    return (), libpq_environment(server, address)


def _told_redis(_: Server, address: HostPort) -> Told:
    # As `invoke standalone-tests` of that project chooses them, less what needs servers of another kind.
    marks = "not onlycluster and not redismod and not ssl and not cp_integration and not multidb_integration"
    # A class of end-to-end tests is marked so as a whole, its modules are not: they want their own cloud.
    return ("--redis-url", f"redis://{address}/0", "-m", marks, "--ignore", "tests/test_scenario"), {}


SUITES: Mapping[str, Suite] = {
    "asyncpg": Suite(
        name="asyncpg", distribution="asyncpg", protocol="postgres", starts=start_postgres, told=_told_postgres,
        excused=LISTS / "asyncpg.txt", excused_in_tls=LISTS / "asyncpg-tls.txt",
    ),
    "redis": Suite(
        name="redis", distribution="redis", protocol="redis", starts=start_redis, told=_told_redis,
        excused=LISTS / "redis.txt",
    ),
}  # fmt: skip
