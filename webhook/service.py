"""Puts the parts together and runs them."""

import asyncio
import gc
import math
import time
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool
from uvicorn.config import Config

from webhook.api.application import make_application
from webhook.api.inspection import Inspector
from webhook.api.probes import Probes
from webhook.api.protocol import protocol_class
from webhook.api.reception import Reception
from webhook.api.server import BACKLOG, DrainingServer, listen
from webhook.configuration.settings import Settings
from webhook.database.engine import make_engine
from webhook.database.failures import AttemptFailedError
from webhook.database.group import Group, Limits
from webhook.database.lag import ReplicaLag
from webhook.database.reading import Reading
from webhook.database.schema import KEY_NAME
from webhook.database.store import Store
from webhook.intake import Intake
from webhook.logs import Log, describe, start_logging
from webhook.metrics import Metrics
from webhook.names import make_loop
from webhook.recent import RecentDeliveries, make_client
from webhook.resilience.breaker import Breaker, State
from webhook.resilience.budget import NoBudget, RetryBudget
from webhook.resilience.gate import Gate
from webhook.shortage import Shortage

EXIT_START_FAILED = 1


class StartError(Exception):
    """The service cannot start as it was told to; `__cause__` says why."""


def serve(settings: Settings) -> int:
    """Run until a signal stops the service; return the exit status."""
    log = start_logging()
    try:
        with asyncio.Runner(loop_factory=lambda: make_loop(settings, log)) as runner:
            runner.run(_serve(settings, log))
    except StartError as error:
        log.alarm("start_failed", what=str(error), error=describe(error.__cause__ or error))
        return EXIT_START_FAILED
    except KeyboardInterrupt:
        return 130
    return 0


async def _serve(settings: Settings, log: Log) -> None:
    asyncio.get_running_loop().set_exception_handler(Shortage(log, clock=time.monotonic).handle)
    metrics = Metrics()
    parts = _assemble(settings, metrics, log)
    try:
        await _prepare(settings, parts, log)
        # These objects live until the end. Otherwise each full collection would walk through all of them.
        gc.freeze()
        await _run(settings, parts, metrics, log)
    finally:
        if parts.group is not None:
            await parts.group.close()
        await parts.store.close()
        if parts.replica is not None:
            await parts.replica.close()
        await parts.recent.close()


@dataclass(frozen=True, slots=True)
class _Parts:
    store: Store
    group: Group | None
    replica: Store | None
    recent: RecentDeliveries
    budget: RetryBudget


def _assemble(settings: Settings, metrics: Metrics, log: Log) -> _Parts:
    engine = make_engine(settings)
    gate = _make_gate(settings, engine, metrics)
    budget = _make_budget(settings)
    metrics.watch_log(lambda: log.lost)
    store = Store(
        engine,
        gate=gate,
        log=log,
        idempotent=settings.insert_idempotent,
        ack_after_commit=settings.ack_after_commit,
        replicated=settings.commit_replicated,
    )
    group = _make_group(settings, store, gate, metrics, log)
    waiting = (lambda: gate.waiting) if group is None else (lambda: gate.waiting + group.waiting)
    metrics.watch(gate.pool, gate.connections, waiting, lambda: budget.tokens)
    breaker = _make_breaker(settings, metrics, log)
    recent = RecentDeliveries(make_client(settings), settings=settings, breaker=breaker, metrics=metrics, log=log)
    metrics.redis_waiting.set_function(lambda: float(recent.waiting))
    return _Parts(store, group, _make_replica(settings, metrics, log), recent, budget)


def _make_gate(settings: Settings, engine: AsyncEngine, metrics: Metrics) -> Gate:
    pool = engine.pool
    if not isinstance(pool, QueuePool):
        raise TypeError(f"{type(pool).__name__} has no queue: its state cannot be watched")
    return Gate(
        pool=pool,
        connections=settings.pool_size + settings.pool_max_overflow,
        waiting_max=settings.shed_waiting_max if settings.load_shed else None,
        metrics=metrics,
    )


def _make_group(settings: Settings, store: Store, gate: Gate, metrics: Metrics, log: Log) -> Group | None:
    if not settings.commit_group:
        return None
    most = max(1, gate.connections // 2)
    limits = Limits(
        committers=min(settings.group_committers, most),
        most=most,
        alone=max(1, gate.connections - most),
        rows=settings.group_rows_max,
        bytes=settings.group_bytes_max,
        quick_s=settings.group_quick_s,
        # What the next transaction takes does not wait for long.
        waiting=settings.shed_waiting_max + settings.group_rows_max if settings.load_shed else None,
        wait_s=settings.pool_timeout_s if settings.pool_bounded_checkout else None,
        newest_first=settings.load_newest_first,
    )
    return Group(store, limits=limits, splits=settings.group_splits, metrics=metrics, log=log)


def _make_replica(settings: Settings, metrics: Metrics, log: Log) -> Store | None:
    if settings.replica_url is None:
        return None
    engine = make_engine(settings, settings.replica_url)
    # It locks nothing, and has no COMMIT to wait for.
    return Store(
        engine,
        gate=_make_gate(settings, engine, metrics),
        log=log,
        replicated=False,
        must_follow=settings.replica_must_follow,
    )


def _make_lag(settings: Settings, parts: _Parts, metrics: Metrics) -> ReplicaLag | None:
    if parts.replica is None:
        return None
    limit_s = settings.ready_timeout_s
    lag = ReplicaLag(primary=parts.store, replica=parts.replica, limit_s=limit_s, clock=time.monotonic)
    metrics.replica_lag.set_function(lambda: lag.seconds)
    return lag


def _make_budget(settings: Settings) -> RetryBudget:
    if not settings.retry_budget:
        return NoBudget()
    return RetryBudget(ratio=settings.retry_budget_ratio, burst=settings.retry_budget_burst)


def _make_breaker(settings: Settings, metrics: Metrics, log: Log) -> Breaker | None:
    if not settings.redis_breaker:
        return None

    def changed(state: State) -> None:
        metrics.breaker.set(state)
        log.info("breaker", state=state.name.lower())

    return Breaker(
        failures=settings.breaker_failures, open_s=settings.breaker_open_s, clock=time.monotonic, changed=changed
    )


async def _prepare(settings: Settings, parts: _Parts, log: Log) -> None:
    """Do everything that must happen before the first request.

    Raises:
        StartError: a server that the settings require is not available.

    """
    if not settings.start_degraded:
        await _connect_or_stop(settings, parts, log)
    if not settings.insert_idempotent:
        # Without the key a second row is possible; with it the plain INSERT would only fail in another way.
        try:
            await parts.store.execute(text(f"ALTER TABLE deliveries DROP CONSTRAINT IF EXISTS {KEY_NAME}"))
        except AttemptFailedError as error:
            raise StartError("the unique key could not be dropped") from error.__cause__
        log.warning("unsafe", switch="insert.idempotent", detail="the unique key of `deliveries` is gone")


async def _connect_or_stop(settings: Settings, parts: _Parts, log: Log) -> None:
    try:
        await parts.store.check()
    except AttemptFailedError as error:
        raise StartError("PostgreSQL cannot be reached") from error.__cause__
    try:
        await parts.recent.ping()
    except Exception as error:
        if not settings.redis_fail_open:
            raise StartError("Redis cannot be reached") from error
        log.warning("redis_failed", phase="start", fail_open=True, error=describe(error))


async def _run(settings: Settings, parts: _Parts, metrics: Metrics, log: Log) -> None:
    inspector = Inspector(
        keys=settings.secrets,
        keys_of=settings.source_secrets,
        body_limit_bytes=settings.body_limit_bytes,
        tolerance_s=settings.timestamp_tolerance_s,
        clock=time.time,
    )
    store, recent = parts.store, parts.recent
    intake = Intake(
        settings=settings,
        store=store,
        inserts=parts.group or store,
        recent=recent,
        budget=parts.budget,
        metrics=metrics,
        log=log,
    )
    reading = Reading(settings=settings, primary=store, replica=parts.replica, metrics=metrics, log=log)
    reception = Reception(
        settings=settings, inspector=inspector, intake=intake, reading=reading, metrics=metrics, log=log
    )
    probes = Probes(
        settings=settings, store=store, recent=recent, metrics=metrics, lag=_make_lag(settings, parts, metrics)
    )
    config = Config(
        make_application(reception, probes),
        http=protocol_class(
            headers_limit_bytes=settings.headers_limit_bytes, headers_timeout_s=settings.headers_timeout_s
        ),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        # uvicorn takes whole seconds; a grace that ends early would end what could still be answered.
        timeout_graceful_shutdown=math.ceil(settings.drain_grace_s),
    )
    try:
        listener = listen(settings.host, settings.port)
    except OSError as error:
        raise StartError(f"{settings.host}:{settings.port} cannot be listened on") from error
    await DrainingServer(config, log, drain=settings.drain_sigterm).serve([listener])
