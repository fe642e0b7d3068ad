"""Reads stored deliveries: from a replica if there is one, and from the primary if the replica cannot answer.

A replica may lack a delivery that was acknowledged a moment ago, so a missing delivery proves nothing. Rows never
change: a delivery on the replica is the same as on the primary.
"""

import asyncio
import enum
from dataclasses import dataclass

from webhook.configuration.settings import Settings
from webhook.database.failures import AttemptFailedError
from webhook.database.store import Store
from webhook.delivery import Progress, Stored
from webhook.logs import Log, describe
from webhook.metrics import Metrics


class Server(enum.StrEnum):
    """The server that answered a read; the label of `webhook_reads_total`, and the answer's header."""

    PRIMARY = "primary"
    REPLICA = "replica"


@dataclass(frozen=True, slots=True)
class Read:
    """The result of a read, and the server that answered it."""

    found: tuple[Stored, bytes] | None
    server: Server


class Reading:
    """Reads one delivery at a time, any number at once."""

    def __init__(
        self, *, settings: Settings, primary: Store, replica: Store | None, metrics: Metrics, log: Log
    ) -> None:
        self._primary = primary
        self._replica = replica
        self._limit_s = settings.replica_timeout_s if settings.replica_bounded else None
        self._fall_back = settings.replica_fall_back
        self._absence_is_no_proof = settings.replica_absence_is_no_proof
        self._metrics = metrics
        self._log = log

    async def fetch(self, source: str, delivery_id: str, progress: Progress) -> Read:
        """Return the stored delivery, with its body.

        Raises:
            AttemptFailedError: no server answered.

        """
        read = await self._from_replica(self._replica, source, delivery_id, progress) if self._replica else None
        if read is None:
            read = Read(await self._primary.fetch(source, delivery_id, progress), Server.PRIMARY)
        self._metrics.reads.labels(read.server).inc()
        return read

    async def _from_replica(self, replica: Store, source: str, delivery_id: str, progress: Progress) -> Read | None:
        """Return the replica's row; None if it has none."""
        try:
            async with asyncio.timeout(self._limit_s):
                found = await replica.fetch(source, delivery_id, progress)
        except (AttemptFailedError, TimeoutError) as error:
            if not self._fall_back:
                raise
            self._report(error, progress)
            return None
        if found is None and self._absence_is_no_proof:
            return None
        return Read(found, Server.REPLICA)

    def _report(self, error: Exception, progress: Progress) -> None:
        reason = error.reason if isinstance(error, AttemptFailedError) else "deadline"
        self._metrics.replica_failures.labels(reason).inc()
        self._log.warning(
            "replica_failed",
            phase=progress.phase,
            reason=reason,
            source=progress.source,
            delivery=progress.delivery_id,
            error=describe(error.__cause__ or error),
        )
