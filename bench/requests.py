"""The benchmarks of requests: `healthy`, `bare`, `switches` and `group`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bench.arms import Arm, Plan, Rounds, interleaved
from bench.load import Load
from bench.options import Found, Options
from bench.report import Table, comparison, ladder
from bench.rungs import Rung
from bench.services import Service, Wanted, measuring

SHARED = (
    "Client, service and servers share the machine's cores: requests/s is of all of them together;",
    "the service's own CPU a request is the better figure.",
    "A/A is the first arm once more, in a process of its own: what lies within its interval is no difference.",
    "A table's [interval] is that of the median of the rounds' ratios.",
    "scatter: half the distance between the quartiles of the rounds. Only ratios mean anything on another day.",
)
P99 = "99 in a hundred are counted in each sample: with few requests a sample that is nearly the slowest one."
HARDENED = Wanted(name="hardened")
BEYOND_POOL = 12
"""Requests at once: more than the connections that the pool keeps (5), fewer than it may open (15)."""
AT_ONCE = (1, 4, 12, 32)
"""The numbers of clients for `group`: one alone, and more and more that may share a transaction."""
NOBODY_IS_REFUSED = {"WEBHOOK_SHED_WAITING_MAX": "40", "WEBHOOK_POOL_TIMEOUT_S": "20"}
FIVE_ARE_KEPT = {"WEBHOOK_POOL_KEEPS_ALL": "off"}
"""As many connections as 5 + 10, but the pool keeps them all: it closes those beyond its size at each return."""

# What the service does beyond the ladder's last rung cannot be added, only taken away again.
LADDER = (
    ("bare: Starlette, asyncpg, INSERT", Rung.BARE),
    ("+ BEGIN and COMMIT", Rung.TRANSACTION),
    ("+ SQLAlchemy Core and its pool", Rung.CORE),
    ("+ pre-ping", Rung.PING),
    ("+ signature, headers, JSON", Rung.CHECKED),
    ("+ Redis SET NX", Rung.REDIS),
)
REST = "+ deadlines, retry, breaker, metrics ..."
SWITCHED = (
    "pool.pre_ping", "deadline.statement", "deadline.request", "retry.database", "redis.timeouts", "redis.breaker",
    "load.shed",
)  # fmt: skip
"""The protections that are switched off one by one. By their nature the others cost nothing without faults."""


def healthy(options: Options) -> Found:
    """Compare hardened with unprotected, and with the incident's fix, with all servers healthy."""
    wanted = (
        HARDENED,
        Wanted(name="hardened, again", control=True),
        Wanted(name="unprotected", profile="unprotected"),
        Wanted(name="incident", profile="incident"),
        Wanted(name="hardened without pool.keeps_all", settings=FIVE_ARE_KEPT),
    )
    within = options.load
    beyond = Load(requests=within.requests, concurrency=BEYOND_POOL, body_bytes=within.body_bytes)
    with measuring(options.progress) as workshop:
        services = [workshop.started(each, beyond) for each in wanted]
        first = _measured(services, within, options.plan(rounds=40, share=0.5), options)
        measured = (first, _measured(services, beyond, options.plan(rounds=40), options))
    tables = [table for each in measured for table in each.tables]
    return Found(tuple(tables), (f"load: {within}; then {BEYOND_POOL} at a time", *SHARED))


def bare(options: Options) -> Found:
    """Compare hardened with a bare insert of the same row, just as durable, and show the steps between them."""
    rungs = [Wanted(name=name, bare=rung.name) for name, rung in LADDER]
    again = Wanted(name="bare, again", bare=Rung.BARE.name, control=True)
    with measuring(options.progress) as workshop:
        services = [workshop.started(each, options.load) for each in (rungs[0], again, *rungs[1:], HARDENED)]
        measured = _measured(services, options.load, options.plan(rounds=40), options)
    names: list[str] = [*(each.name for each in rungs), HARDENED.name]
    steps = [
        (REST if after == HARDENED.name else after, before, after)
        for before, after in zip([None, *names], names, strict=False)
    ]
    way = ladder("Where the service's CPU goes", "cpu_us", "us a request", rounds=measured.rounds, steps=steps)
    return Found((*measured.tables, way), (f"load: {options.load}", *SHARED))


def switches(options: Options) -> Found:
    """Compare hardened with itself without one protection, each in turn: what each costs without faults."""
    wanted = (
        HARDENED,
        Wanted(name="hardened, again", control=True),
        *(Wanted(name=f"without {name}", without=(name,)) for name in SWITCHED),
        Wanted(name="Redis absent, breaker open", redis=False),
    )
    with measuring(options.progress) as workshop:
        services = [workshop.started(each, options.load) for each in wanted]
        measured = _measured(services, options.load, options.plan(rounds=40), options)
    return Found(measured.tables, (f"load: {options.load}", *SHARED))


def group(options: Options) -> Found:
    """Compare hardened with group commit, a bare insert and unprotected, by the number of clients."""
    wanted = (
        Wanted(name="hardened", settings=NOBODY_IS_REFUSED),
        Wanted(name="hardened, again", settings=NOBODY_IS_REFUSED, control=True),
        *(
            Wanted(
                name=f"grouped, {most} at once",
                profile="grouped",
                settings=NOBODY_IS_REFUSED | {"WEBHOOK_GROUP_COMMITTERS": str(most)},
            )
            for most in (1, 2, 4)
        ),
        Wanted(name="unprotected", profile="unprotected"),
        Wanted(name="bare", bare=Rung.BARE.name),
    )
    within = options.load
    with measuring(options.progress) as workshop:
        services = [workshop.started(each, within) for each in wanted]
        loads = [Load(requests=within.requests, concurrency=many, body_bytes=within.body_bytes) for many in AT_ONCE]
        measured = [
            _measured(services, load, options.plan(rounds=40, share=0.9 / left), options)
            for load, left in zip(loads, range(len(loads), 0, -1), strict=True)
        ]
    tables = [table for each in measured for table in (*each.tables, _p99(each))]
    return Found(tuple(tables), (f"load: {within}", P99, *SHARED))


@dataclass(frozen=True, slots=True)
class _Measured:
    rounds: Rounds
    tables: tuple[Table, ...]
    arms: Sequence[Arm]
    at: str


def _measured(services: Sequence[Service], load: Load, plan: Plan, options: Options) -> _Measured:
    arms = [Arm(each.name, partial(each.measure, load), control=each.control) for each in services]
    rounds = interleaved(arms, plan, options.progress)
    at = f"{load.concurrency} at a time"
    tables = (
        comparison(f"Service CPU a request, {at}", "cpu_us", "us", rounds=rounds, arms=arms),
        comparison(f"Requests a second, {at}", "requests_per_s", "requests/s", rounds=rounds, arms=arms),
    )
    return _Measured(rounds, tables, arms, at)


def _p99(measured: _Measured) -> Table:
    title = f"99 in a hundred requests took at most, {measured.at}"
    return comparison(title, "p99_ms", "ms", rounds=measured.rounds, arms=measured.arms)
