"""Refuses at once what could only wait: a queue that is longer than can be served is a delay for everyone."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.pool import QueuePool

from webhook.database.failures import ShedError
from webhook.metrics import Metrics


class Gate:
    """Counts who waits for a connection while the pool has none to give."""

    def __init__(self, *, pool: QueuePool, connections: int, waiting_max: int | None, metrics: Metrics) -> None:
        self.pool = pool
        self.connections = connections
        """How many the pool may have at most."""
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
