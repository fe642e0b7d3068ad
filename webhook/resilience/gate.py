"""Refuses at once a request that could only wait: a queue that is too long to be served delays every request."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.pool import QueuePool

from webhook.database.failures import ShedError
from webhook.metrics import Metrics


class Gate:
    """Counts the requests that wait for a connection while the pool has none free."""

    def __init__(self, *, pool: QueuePool, connections: int, waiting_max: int | None, metrics: Metrics) -> None:
        self.pool = pool
        self.connections = connections
        """How many connections the pool may have."""
        self._waiting_max = waiting_max
        self._metrics = metrics
        self.waiting = 0

    @contextmanager
    def queue(self) -> Iterator[None]:
        """Wrap a checkout.

        Raises:
            ShedError: the queue is full.

        """
        if self.pool.checkedout() < self.connections:
            yield
            return
        if self._waiting_max is not None and self.waiting >= self._waiting_max:
            self._metrics.shed.inc()
            raise ShedError(f"{self.waiting} requests wait for one of {self.connections} connections")
        self._metrics.pool_waits.inc()
        self.waiting += 1
        try:
            yield
        finally:
            self.waiting -= 1
