"""The metrics of /metrics, in the service's own registry."""

import asyncio
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.pool import QueuePool

from webhook.database.failures import Reason

OUTCOMES = ("acknowledged", "conflict", "refused", "unknown", "rejected")
DEGRADED = ("redis_failed", "breaker_open")
SERVERS = ("primary", "replica")
AGAIN = sorted({*Reason} - {Reason.FINAL})
"""The reasons for a retry: while a COMMIT is in doubt, every failure that may pass is one."""
FAILED = sorted({*Reason, "deadline", "ending", "redis_failed"})
"""Why a request was refused, or its delivery left unknown: the `reason` of the same events in the log."""


class Metrics:
    """The counters; every possible label exists from the start, at 0."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = self._counter("webhook_requests", "Deliveries answered", "outcome", OUTCOMES)
        self.retries = self._counter("webhook_retries", "Attempts made again", "reason", AGAIN)
        self.degraded = self._counter("webhook_degraded", "Deliveries handled without Redis", "reason", DEGRADED)
        self.failures = self._counter("webhook_failures", "Requests refused, or left unknown", "reason", FAILED)
        self.reads = self._counter("webhook_reads", "Reads, by the server that answered", "server", SERVERS)
        self.replica_failures = self._counter(
            "webhook_replica_failures", "Reads that the replica failed", "reason", sorted({*Reason, "deadline"})
        )
        self.replica_lag = Gauge(
            "webhook_replica_lag_seconds",
            "All that was committed longer ago is on the replica; 0 without one",
            registry=self.registry,
        )
        self.shed = Counter("webhook_shed", "Refused because too many were waiting", registry=self.registry)
        self.resolved = Counter("webhook_commits_resolved", "Lost commits that were settled", registry=self.registry)
        self.pool_waits = Counter("webhook_pool_waits", "Checkouts that had to queue", registry=self.registry)
        self.batches = Counter("webhook_batches", "Commits of several deliveries", registry=self.registry)
        self.batched = Counter("webhook_batched", "Deliveries in these", registry=self.registry)
        self.batch_splits = Counter(
            "webhook_batch_splits", "Failed batches whose deliveries were stored alone", registry=self.registry
        )
        self.redis_batched = Counter(
            "webhook_redis_batched", "Deliveries that Redis was asked for together with others", registry=self.registry
        )
        self.redis_waiting = Gauge(
            "webhook_redis_waiting", "Deliveries that wait for the next question to Redis", registry=self.registry
        )
        self.breaker = Gauge("webhook_breaker_state", "0 closed, 1 half open, 2 open", registry=self.registry)
        self.seconds = Histogram(
            "webhook_request_seconds",
            "Time to answer a delivery",
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30),
            registry=self.registry,
        )
        tasks = Gauge("webhook_tasks", "asyncio tasks alive", registry=self.registry)
        tasks.set_function(lambda: float(len(asyncio.all_tasks())))

    def _counter(self, name: str, text: str, label: str, values: Iterable[str]) -> Counter:
        counter = Counter(name, text, [label], registry=self.registry)
        for value in values:
            counter.labels(value)
        return counter

    def watch_log(self, lost: Callable[[], int]) -> None:
        """Show how many lines the log could not write."""
        gauge = Gauge("webhook_log_lines_lost", "Lines that the log could not write", registry=self.registry)
        gauge.set_function(lambda: float(lost()))

    def watch(
        self, pool: QueuePool, connections: int, waiting: Callable[[], int], budget_tokens: Callable[[], float]
    ) -> None:
        """Show the pool's state at each scrape; it has at most this many connections."""
        self.registry.register(_PoolCollector(pool, connections, waiting, budget_tokens))


class _PoolCollector(Collector):
    def __init__(
        self, pool: QueuePool, connections: int, waiting: Callable[[], int], budget_tokens: Callable[[], float]
    ) -> None:
        self._pool = pool
        self._connections = connections
        self._waiting = waiting
        self._budget_tokens = budget_tokens

    def collect(self) -> Iterable[Metric]:
        pool = self._pool
        yield GaugeMetricFamily("webhook_pool_size", "Connections the pool keeps", pool.size())
        yield GaugeMetricFamily("webhook_pool_limit", "Connections the pool may have", self._connections)
        yield GaugeMetricFamily("webhook_pool_checked_out", "Connections in use", pool.checkedout())
        yield GaugeMetricFamily("webhook_pool_idle", "Connections at rest", pool.checkedin())
        yield GaugeMetricFamily("webhook_pool_overflow", "Connections beyond the size", max(0, pool.overflow()))
        yield GaugeMetricFamily("webhook_pool_waiting", "Requests in the queue for one", self._waiting())
        yield GaugeMetricFamily("webhook_retry_budget_tokens", "Retries left", self._budget_tokens())
