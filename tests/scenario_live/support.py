"""Real runs of small scenarios, and what their histories say."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from redis import Redis as RedisClient

from harness import Lab, postgres
from harness.checks import Judgement, judge
from harness.engine.laying.testbed import Testbed
from harness.faults.fault import Fault, Injection
from harness.faults.site import Site
from harness.history import History, read_history
from harness.history.events import CoresSeen, EvidenceSeen, FaultActed, HarnessProblem, RequestEnded, RequestSent
from harness.processes.keeper import descendants
from harness.protocols.postgres.probes import session
from harness.protocols.postgres.server import PostgresServer
from harness.protocols.redis.server import RedisServer
from harness.protocols.redis.storage import DATABASES
from harness.results import RunResult
from harness.scenario.blaming import blamed
from harness.scenario.runner import RunConfiguration, run
from harness.scenario.scenario import Scenario
from harness.target import Target, load_target

Play = Callable[[Lab], Awaitable[None]]
REPOSITORY = Path(__file__).parents[2]
TARGET = REPOSITORY / "scenarios" / "target.toml"
LEAK = "SELECT count(*) FROM deliveries"


def patient_target() -> Target:
    """The webhook service, which gives Redis a second and not 50 ms.

    Six processes take part in a use of Redis. Where each waits for a core, 50 ms pass, the service does without Redis,
    and a test that needs them to speak has nothing to look at. Its connections need no keepalive: many tests put
    a small service of their own in its place.
    """
    target = load_target(TARGET)
    service = target.description.service
    patient = {**service.environment, "WEBHOOK_REDIS_OPERATION_TIMEOUT_S": "1"}
    links = {name: link.model_copy(update={"keepalive": False}) for name, link in target.description.links.items()}
    changed = {"service": service.model_copy(update={"environment": patient}), "links": links}
    return dataclasses.replace(target, description=target.description.model_copy(update=changed))


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs scenarios on one testbed."""

    bed: Testbed
    folder: Path

    def __call__(self, play: Play, *, name: str = "live", profile: str = "hardened", **options: Any) -> RunResult:
        configuration = RunConfiguration(profile=profile, folder=self.folder, **options)
        return run(Scenario(id=name, theme="live", play=blamed(play)), configuration, self.bed)

    def on(self, **changes: Any) -> Runs:
        """The same servers, with something of the testbed's changed."""
        return dataclasses.replace(self, bed=dataclasses.replace(self.bed, **changes))


def site_of(lab: Lab) -> Site:
    """What the lab acts on: no scenario gets at it, a test of the runner does."""
    return lab.performer.site


async def asked(lab: Lab, sql: str) -> Any:
    """What the service's PostgreSQL answers in its database, asked as its superuser."""
    async with session(site_of(lab).laid(postgres).admin_url) as asking:
        return await asking.fetchval(sql)


@asynccontextmanager
async def leaked(lab: Lab) -> AsyncIterator[asyncpg.Connection]:
    """A session of the service's role, idle in a transaction that has read the table."""
    connection = await asyncpg.connect(site_of(lab).laid(postgres).words["url"])
    await connection.execute("BEGIN")
    await connection.execute(LEAK)
    try:
        yield connection
    finally:
        connection.terminate()


def history_of(result: RunResult) -> History:
    assert result.history is not None
    return read_history(result.history)


def calmly(result: RunResult) -> Judgement:
    """The verdict of a calm machine: the neighbours of a test load this one, and that would excuse what took long."""
    entries = history_of(result).entries
    return judge(History([entry for entry in entries if not isinstance(entry.event, CoresSeen)]))


def evidence(result: RunResult) -> Mapping[str, Counter[str]]:
    """Kinds of evidence, by the source of the fault that left it. A fault without any has an empty counter."""
    history = history_of(result)
    sources = {acted.number: repr(acted.fault) for acted in history.of(FaultActed)}
    found: dict[str, Counter[str]] = {source: Counter() for source in sources.values()}
    # A fault that strikes in its act is witnessed before it is told to be in force.
    for seen in history.of(EvidenceSeen):
        found[sources[seen.number]][seen.what] += 1
    return found


def all_mended(bed: Testbed, fault: Fault) -> bool:
    """Whether the fault changed a server, and all that it changed is as another run needs it."""
    return {change.mended for change in bed.server_changes if change.fault == fault} == {True}


def problems(result: RunResult) -> list[str]:
    return [problem.text for problem in history_of(result).of(HarnessProblem)]


def deliveries(result: RunResult) -> list[tuple[str, str]]:
    """Name and digest of every delivery of the usual sender's, in the order in which they were sent."""
    sent = [each for each in history_of(result).of(RequestSent) if each.delivers and "/" not in each.delivery]
    return [(each.delivery, each.digest) for each in sent]


def ends(result: RunResult, purpose: str) -> list[RequestEnded]:
    history = history_of(result)
    wanted = {sent.request for sent in history.of(RequestSent) if sent.purpose == purpose}
    return [end for end in history.of(RequestEnded) if end.request in wanted]


@dataclass(frozen=True, repr=False)
class Broken(Fault, kind="test.broken"):
    """A fault of the harness's own that does not work."""

    def injection(self, site: Site) -> Injection:  # noqa: ARG002  # the signature is Fault's
        return _Breaks()


class _Breaks(Injection):
    async def act(self) -> None:
        raise RuntimeError("this fault is broken")

    async def heal(self) -> None:
        """Nothing was done."""


@dataclass(frozen=True, repr=False)
class Unhealable(Fault, kind="test.unhealable"):
    """A fault of the harness's own that does not heal."""

    def injection(self, site: Site) -> Injection:  # noqa: ARG002  # as above
        return _StaysBroken()


class _StaysBroken(Injection):
    async def act(self) -> None:
        """Nothing is done."""

    async def heal(self) -> None:
        raise RuntimeError("this fault does not heal")


@dataclass(frozen=True, repr=False)
class Speechless(Fault, kind="test.speechless"):
    """A fault of the harness's own that cannot say what was there instead. It heals."""

    def injection(self, site: Site) -> Injection:
        return _Speechless(site)


class _Speechless(Injection):
    def __init__(self, site: Site) -> None:
        self._site = site

    async def act(self) -> None:
        """Nothing is done."""

    async def instead(self) -> str:
        raise RuntimeError("nobody can tell")

    async def heal(self) -> None:
        self._site.witness("healed", "test", "it was healed")


def limited(target: Target, **limits: float) -> Target:
    """The same service, that owes its clients something else."""
    description = target.description
    changed = description.limits.model_copy(update=limits)
    return dataclasses.replace(target, description=description.model_copy(update={"limits": changed}))


# ---------------------------------------------------------------- what runs leave on the servers


def left_over(bed: Testbed) -> list[str]:
    """Whatever a run has left on the servers: there should be nothing."""
    servers = [*asyncio.run(_left_in_postgres(bed)), *_left_in_redis(bed), *_left_in_toxiproxy(bed)]
    return [*servers, *_left_disks()]


def _left_disks() -> Iterator[str]:
    for process in descendants(os.getpid()):
        with suppress(OSError):  # it has ended meanwhile
            if b"harness.processes.small_disk" in Path(f"/proc/{process.pid}/cmdline").read_bytes():
                yield f"small disk {process.pid}"


async def _left_in_postgres(bed: Testbed) -> list[str]:
    admin = await asyncpg.connect(bed.stack.of(PostgresServer).url())
    try:
        rows = await admin.fetch("""
            SELECT 'database ' || datname AS what FROM pg_database WHERE datname LIKE 'postgres\\__%'
            UNION ALL SELECT 'role ' || rolname FROM pg_roles WHERE rolname LIKE 'postgres\\__%'
            UNION ALL SELECT 'tablespace ' || spcname FROM pg_tablespace WHERE spcname LIKE 'harness\\_%'
            UNION ALL SELECT 'setting ' || name FROM pg_file_settings
                WHERE sourcefile LIKE '%.auto.conf' AND name <> 'primary_conninfo'
            UNION ALL SELECT 'session ' || coalesce(usename, '') || ' on ' || coalesce(datname, '') || ': ' || query
                FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
        """)
    finally:
        await admin.close()
    return [row["what"] for row in rows]


def _left_in_redis(bed: Testbed) -> Iterator[str]:
    for database in range(DATABASES):
        with RedisClient.from_url(bed.stack.of(RedisServer).url(db=database)) as client:
            keys = client.keys("*")
            if keys:
                yield f"Redis database {database}: {keys!r}"


def _left_in_toxiproxy(bed: Testbed) -> list[str]:
    answer = httpx.get(f"{bed.stack.toxiproxy.api_url}/proxies", trust_env=False)
    return [f"proxy {json.dumps(proxy)}" for proxy in answer.json().values()]
