"""A real service on real servers, and a client that signs."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import json
import os
import re
import secrets
import signal
import ssl
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx

from harness.polling import poll, poll_async
from harness.processes.keeper import Keeper, KeptProcess, PreloadedPython, ProcessSpec
from tests.webhook import openapi
from webhook.api.signatures import sign

ROOT = Path(__file__).resolve().parents[2]
KEY = b"k" * 32
SECRET = "whsec_" + base64.b64encode(KEY).decode()
LISTENING = re.compile(r'"event": "listening", "host": "127\.0\.0\.1", "port": (\d+)')
UNUSED_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Without it each client reads the machine's authorities: 30 ms of CPU in each test."""
WAIT_S = 60.0
"""Only bounds a wait: a start of the service needs a second of CPU, of which a busy machine may give a tenth."""
# Draining takes a fifth of a second; only coverage needs a regular end, to write down what it saw.
END = signal.SIGTERM if "COVERAGE_PROCESS_START" in os.environ else signal.SIGKILL

PATIENT = {
    "WEBHOOK_CONNECT_TIMEOUT_S": "20",
    "WEBHOOK_POOL_TIMEOUT_S": "20",
    "WEBHOOK_REQUEST_TIMEOUT_S": "30",
    "WEBHOOK_DRAIN_GRACE_S": "30",
    "WEBHOOK_STATEMENT_TIMEOUT_S": "25",
    "WEBHOOK_SERVER_STATEMENT_TIMEOUT_S": "20",
    "WEBHOOK_SERVER_LOCK_TIMEOUT_S": "20",
    "WEBHOOK_SERVER_IDLE_IN_TRANSACTION_TIMEOUT_S": "20",
}
"""For tests that hold something themselves: on a busy machine the limits must not come first."""

LISTENS_LONG = {"WEBHOOK_REDIS_OPERATION_TIMEOUT_S": "20", "WEBHOOK_READY_TIMEOUT_S": "20"}
"""For tests that need Redis to be heard: on a busy machine its answer takes longer than the 50 ms that it has."""

_numbers = itertools.count(1)


def new_id() -> str:
    """An id that no other test has."""
    return f"msg_{next(_numbers)}_{secrets.token_hex(4)}"


def signed(delivery_id: str, body: bytes, *, key: bytes = KEY, timestamp: str | None = None) -> dict[str, str]:
    """The headers of a good delivery."""
    stamp = timestamp or str(int(time.time()))
    return {
        "content-type": "application/json",
        "webhook-id": delivery_id,
        "webhook-timestamp": stamp,
        "webhook-signature": sign(key, delivery_id=delivery_id, timestamp=stamp, body=body),
    }


@dataclass(frozen=True, slots=True)
class Database:
    """A database of one test's own."""

    url: str

    async def fetch(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.url)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(sql, *arguments)
            return rows
        finally:
            await connection.close()

    async def stored(self) -> list[tuple[str, str]]:
        """Id and digest of every row, in the order of arrival."""
        rows = await self.fetch("SELECT id, sha256 FROM deliveries ORDER BY received_at, id")
        return [(row["id"], row["sha256"]) for row in rows]

    async def backends(self) -> list[int]:
        """The service's server-side processes."""
        sql = (
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
            " AND pid <> pg_backend_pid()"
        )
        return [row["pid"] for row in await self.fetch(sql)]

    async def until_waiting(self, *, at_least: int = 1, event: str = "Lock") -> None:
        """Return when that many of the service's backends wait."""
        sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = $1"

        async def enough() -> bool:
            return len(await self.fetch(sql, event)) >= at_least

        assert await poll_async(enough, within_s=WAIT_S), f"no {at_least} backends came to wait for {event}"

    @asynccontextmanager
    async def locked(self, statement: str = "LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE") -> AsyncIterator[None]:
        """Another session holds the table, or what the statement locks."""
        connection = await asyncpg.connect(self.url)
        try:
            async with connection.transaction():
                await connection.execute(statement)
                yield
        finally:
            await connection.close()


@contextmanager
def stopped(pids: Sequence[int]) -> Iterator[None]:
    """Server processes that are there, and silent."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@asynccontextmanager
async def without_farewells(url: str) -> AsyncIterator[str]:
    """Give the URL of a relay to that PostgreSQL, which passes everything on but a client's word that it ends."""
    parts = urlsplit(url)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1 << 16):
                if data != b"X\0\0\0\x04":
                    writer.write(data)
        except ConnectionError:
            pass  # whichever side was cut: the other one hears of it below
        finally:
            writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection(parts.hostname, parts.port)
        await asyncio.gather(pump(reader, upstream_writer), pump(upstream_reader, writer))

    async with await asyncio.start_server(relay, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        user = parts.netloc.rpartition("@")[0]
        yield urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{port}"))


@dataclass(frozen=True, slots=True)
class Service:
    """A running service and a client for it."""

    process: KeptProcess
    port: int
    client: httpx.AsyncClient
    database: Database

    async def deliver(self, body: bytes = b"{}", *, delivery_id: str | None = None) -> httpx.Response:
        """Send one delivery, signed."""
        identity = delivery_id or new_id()
        return await self.client.post("/webhooks/shop", content=body, headers=signed(identity, body))

    async def metric(self, name: str) -> float:
        """The sum over a metric's labels."""
        text = (await self.client.get("/metrics")).text
        found = re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", text, re.MULTILINE)
        assert found, f"no metric {name}"
        return sum(map(float, found))

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log's lines with that event."""
        lines = [line for line in self.process.log.read().splitlines() if line.startswith("{")]
        return [entry for entry in map(json.loads, lines) if entry["event"] == name]

    async def until_logged(self, name: str) -> dict[str, Any]:
        """The first line with that event, as soon as it is there."""
        found = await poll(lambda: self.events(name), within_s=WAIT_S)
        assert found, f"no {name} in the log:\n{self.process.log.tail()}"
        return found[0]


@dataclass(frozen=True, slots=True)
class Starter:
    """Starts services whose log and life belong to one test.

    They are forked from a Python that has their libraries, as the gate's are. Coverage begins with an interpreter, so
    for it each has its own.
    """

    keeper: Keeper
    preloaded: PreloadedPython
    folder: Path
    environment: Mapping[str, str]
    database: Database
    started: list[KeptProcess] = field(default_factory=list)

    def spawn(self, *arguments: str, **settings: str) -> KeptProcess:
        """Run `python -m webhook`; settings are environment variables, an empty one is left out."""
        merged = {**base_environment(), **self.environment, **settings}
        environment = {name: value for name, value in merged.items() if value}
        log = self.folder / f"service-{len(self.started)}.log"
        argv = (sys.executable, "-m", "webhook", *arguments)
        spec = ProcessSpec(name="service", argv=argv, env=environment, cwd=ROOT, log=log)
        starts = self.keeper if "COVERAGE_PROCESS_START" in os.environ else self.preloaded
        self.started.append(starts.spawn(spec))
        return self.started[-1]

    @asynccontextmanager
    async def running(self, **settings: str) -> AsyncIterator[Service]:
        """A service that listens; it is ended with the block."""
        process = self.spawn(**settings)
        try:
            port = await listening_port(process)
            base_url = f"http://127.0.0.1:{port}"
            # Every answer of every test is one that openapi.yaml has.
            heard = {"response": [_is_documented]}
            async with httpx.AsyncClient(
                base_url=base_url, timeout=WAIT_S * 3, trust_env=False, event_hooks=heard, verify=UNUSED_TLS
            ) as client:
                yield Service(process, port, client, self.database)
        finally:
            await asyncio.to_thread(process.stop, signum=END)


async def _is_documented(response: httpx.Response) -> None:
    await response.aread()
    openapi.check(response)


def base_environment() -> dict[str, str]:
    """What every service needs; coverage of a child is switched on by its own variables."""
    passed = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    return {"PATH": os.defpath, "WEBHOOK_PORT": "0", "WEBHOOK_SECRETS": SECRET, **passed}


async def listening_port(process: KeptProcess) -> int:
    """Wait for the line that tells the port; fail if the process ends first."""

    def look() -> str | None:
        ended = process.poll()
        found = LISTENING.search(process.log.read())
        assert found or ended is None, f"it ended with {ended}:\n{process.log.read()}"
        return found[1] if found else None

    port = await poll(look, within_s=WAIT_S)
    assert port, f"it does not listen:\n{process.log.read()}"
    return int(port)


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
