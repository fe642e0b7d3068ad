"""The servers' own load generators, direct and through the relay: every request must have been done."""

from __future__ import annotations

import asyncio
import csv
import os
import re
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import redis

from bench.transparency.addresses import Place, place_of
from bench.transparency.suites import Starts, libpq_environment, start_postgres, start_redis
from harness.errors import HarnessError
from harness.processes.keeper import ProcessSpec
from harness.protocols.postgres.running.binaries import find_postgres

WITHIN_S = 600.0
MODES = ("simple", "extended", "prepared")
CLIENTS, TRANSACTIONS = 4, 500
REQUESTS = 20_000
TESTS = "ping,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,lrange_100,mset"
PIPELINES = (1, 16)

Speeds = Mapping[str, float]
"""An operation, and how many of it per second."""


@dataclass(frozen=True, slots=True)
class Load:
    """A program that drives a server and reports its speed."""

    protocol: str
    starts: Starts
    play: Callable[[Place, Path], Awaitable[Speeds]]


async def compare(load: Load, logs: Path) -> Mapping[str, tuple[float, float]]:
    """Run it direct and through the relay. Raises HarnessError if something was not done, or done wrongly."""
    speeds: list[Speeds] = []
    for relayed in (False, True):
        async with place_of(load.protocol, load.starts, logs, relayed=relayed) as place:
            speeds.append(await load.play(place, logs))
    direct, through = speeds
    return {name: (direct[name], through[name]) for name in direct}


async def _pgbench(place: Place, logs: Path) -> Speeds:
    """Run the TPC-B-like script in each protocol mode, and check the sums that must agree."""
    program = str(find_postgres("embedded").folder / "pgbench")
    environment = libpq_environment(place.server, place.address)
    await _run(place, logs, (program, "--initialize", "--quiet"), environment)
    speeds: dict[str, float] = {}
    for mode in MODES:
        words = (f"--protocol={mode}", f"--client={CLIENTS}", "--jobs=2", f"--transactions={TRANSACTIONS}")
        text = await _run(place, logs, (program, "--no-vacuum", *words), environment)
        speeds[mode] = transactions_a_second(text, wanted=CLIENTS * TRANSACTIONS)
    await _check_sums(place.server.url(), wanted=len(MODES) * CLIENTS * TRANSACTIONS)
    return speeds


def transactions_a_second(text: str, *, wanted: int) -> float:
    """Read pgbench's report. Raises HarnessError if a transaction is missing or failed."""
    done = re.search(r"actually processed: (\d+)/", text)
    failed = re.search(r"failed transactions: (\d+)", text)
    speed = re.search(r"^tps = ([\d.]+)", text, re.MULTILINE)
    if not done or not failed or not speed or (int(done[1]), int(failed[1])) != (wanted, 0):
        raise HarnessError(f"pgbench did not do its {wanted} transactions:\n{text[-2000:]}")
    return float(speed[1])


async def _check_sums(url: str, *, wanted: int) -> None:
    session = await asyncpg.connect(url)
    try:
        row = await session.fetchrow(
            "SELECT (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(bbalance) FROM pgbench_branches),"
            " (SELECT sum(tbalance) FROM pgbench_tellers), sum(delta), count(*) FROM pgbench_history"
        )
    finally:
        await session.close()
    *sums, rows = row
    if len(set(sums)) != 1 or rows != wanted:
        raise HarnessError(f"pgbench's sums are {sums}, and its history has {rows} rows, not {wanted}")


async def _redis_benchmark(place: Place, logs: Path) -> Speeds:
    """Run its tests one by one and pipelined, in RESP2 and RESP3, and check that Redis saw every command."""
    program = shutil.which("redis-benchmark")
    if program is None:
        raise HarnessError("there is no redis-benchmark", hint="install redis-tools, or put it on the PATH")
    speeds: dict[str, float] = {}
    address = ("-h", place.address.host, "-p", str(place.address.port))
    for pipeline in PIPELINES:
        for name, option in (("RESP2", ()), ("RESP3", ("-3",))):
            words = ("-n", str(REQUESTS), "-P", str(pipeline), "-c", "20", "-t", TESTS, "--csv", *option)
            text = await _run(place, logs, (program, *address, *words), {})
            rates = requests_a_second(text)
            speeds |= {f"{name}, {pipeline} at once, {test}": rate for test, rate in rates.items()}
    _check_calls(place, wanted=REQUESTS * len(PIPELINES) * 2)
    return speeds


def requests_a_second(text: str) -> Speeds:
    """Read redis-benchmark's CSV. Raises HarnessError if there is none."""
    lines = [line for line in text.splitlines() if line.startswith('"')]
    rates = {row["test"]: float(row["rps"]) for row in csv.DictReader(lines)}
    if not rates:
        raise HarnessError(f"redis-benchmark reported nothing:\n{text[-2000:]}")
    return rates


def _check_calls(place: Place, *, wanted: int) -> None:
    """Check by Redis's own counters that no command was lost or refused."""
    with redis.Redis(host=place.server.host, port=place.server.port) as client:
        stats = client.info("commandstats")
    for name in ("get", "incr", "hset"):
        calls = stats[f"cmdstat_{name}"]
        if calls["calls"] < wanted or calls["failed_calls"] or calls["rejected_calls"]:
            raise HarnessError(f"Redis counted {calls} for {name}, not {wanted}")


async def _run(place: Place, logs: Path, argv: Sequence[str], environment: Mapping[str, str]) -> str:
    log = logs / f"{Path(argv[0]).name}.log"
    mark = log.stat().st_size if log.exists() else 0
    inherited = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "HOME": str(place.home)}
    spec = ProcessSpec(name="load", argv=tuple(argv), env={**inherited, **environment}, cwd=place.home, log=log)
    process = place.keeper.spawn(spec)
    status = await asyncio.to_thread(process.wait, WITHIN_S)
    text = process.log.read(mark)
    if status != 0:
        raise HarnessError(f"{' '.join(argv)} ended with status {status}:\n{text[-2000:]}")
    return text


LOADS: Mapping[str, Load] = {
    "pgbench": Load("postgres", start_postgres, _pgbench),
    "redis-benchmark": Load("redis", start_redis, _redis_benchmark),
}
