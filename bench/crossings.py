"""The benchmark `relay`: how long a round trip takes through the relay, and through other proxies."""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack
from functools import partial
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import redis

from bench.arms import Arm, Rounds, Sample, interleaved
from bench.options import Found, Options
from bench.report import comparison
from bench.ways import DIRECT, FUZZING, RELAY, RELAY_AGAIN, TOXIPROXY, Crossing, crossing
from harness.addresses import HostPort
from harness.protocols.postgres.server import PostgresServer

NAMES = (RELAY, RELAY_AGAIN, DIRECT, TOXIPROXY, FUZZING)
ROUND_TRIPS = 300
"""The round trips of a sample, one after the other on one open connection; the sample is their median."""
WARM_UP = 100
KEY = "bench"
POSTGRES, REDIS = "SELECT 1 by asyncpg", "GET by redis-py"
NOTES = (
    f"A sample is the median of {ROUND_TRIPS} round trips on one open connection.",
    "whole: as the client sees it. added: less the direct one of the same round.",
    "Both are multiples of the relay's: above 1 is slower than the relay.",
    "relay: 16 rules armed on its hop, 8 in either direction, that look at each statement and never match.",
)


def relay(options: Options) -> Found:
    """Measure round trips direct, through the relay, Toxiproxy, and asyncpg's own test proxy."""
    with crossing(options.progress) as place, ExitStack() as owned:
        queries = {name: _Query(place, at, owned) for name, at in place.ways("postgres", NAMES).items()}
        gets = {name: _Get(at, owned) for name, at in place.ways("redis", NAMES).items()}
        arms = [Arm(name, partial(_measured, queries[name], gets[name]), control=name == RELAY_AGAIN) for name in NAMES]
        rounds = interleaved(arms, options.plan(rounds=60), options.progress)
    added_arms = [arm for arm in arms if arm.name != DIRECT]
    tables, notes = [], list(NOTES)
    for figure in (POSTGRES, REDIS):
        added = added_to(rounds, DIRECT, figure, base=RELAY)
        tables.append(comparison(f"{figure}, whole", figure, "us", rounds=rounds, arms=arms))
        if added.number:
            tables.append(comparison(f"{figure}, added", figure, "us", rounds=added, arms=added_arms))
        if lost := rounds.number - added.number:
            notes.append(f"{figure}: {lost} rounds in which the relay seemed to add nothing are left out of `added`.")
    return Found(tuple(tables), tuple(notes))


def added_to(rounds: Rounds, under: str, figure: str, *, base: str) -> Rounds:
    """What each arm adds to the arm `under`, round by round, without rounds in which `base` adds nothing."""
    below = rounds.of(under, figure)
    kept = [index for index, value in enumerate(rounds.of(base, figure)) if value > below[index]]
    return Rounds(
        {
            name: {figure: [figures[figure][index] - below[index] for index in kept]}
            for name, figures in rounds.values.items()
            if name != under
        }
    )


def _measured(query: _Query, get: _Get) -> Sample:
    return {POSTGRES: query.median_us(), REDIS: get.median_us()}


class _Query:
    """A session of PostgreSQL over one way."""

    def __init__(self, place: Crossing, address: HostPort, owned: ExitStack) -> None:
        self._runner = place.runner
        self._session = self._runner.run(asyncpg.connect(url_at(place.stack.of(PostgresServer).url(), address)))
        owned.callback(lambda: self._runner.run(self._session.close()))
        self._runner.run(self._times(WARM_UP))

    def median_us(self) -> float:
        """Measure."""
        return self._runner.run(self._times(ROUND_TRIPS))

    async def _times(self, number: int) -> float:
        took: list[int] = []
        for _ in range(number):
            began = time.perf_counter_ns()
            await self._session.fetchval("SELECT 1")
            took.append(time.perf_counter_ns() - began)
        return statistics.median(took) / 1e3


class _Get:
    """A connection to Redis over one way."""

    def __init__(self, address: HostPort, owned: ExitStack) -> None:
        self._client = owned.enter_context(redis.Redis(host=address.host, port=address.port))
        self._client.set(KEY, b"x" * 100)
        self._times(WARM_UP)

    def median_us(self) -> float:
        """Measure."""
        return self._times(ROUND_TRIPS)

    def _times(self, number: int) -> float:
        took: list[int] = []
        for _ in range(number):
            began = time.perf_counter_ns()
            self._client.get(KEY)
            took.append(time.perf_counter_ns() - began)
        return statistics.median(took) / 1e3


def url_at(url: str, address: HostPort) -> str:
    """Return the URL with that address in place of its own; its credentials stay."""
    parts = urlsplit(url)
    credentials, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{credentials}{at}{address}"))
