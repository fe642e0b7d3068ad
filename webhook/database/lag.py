"""The replica's lag: how much it has replayed of what the primary had written when it was asked.

A replica's own `now() - pg_last_xact_replay_timestamp()` grows while nothing is written, and says nothing about a
replica that no longer follows a primary.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from webhook.database.failures import AttemptFailedError
from webhook.database.store import Store

WRITTEN = "SELECT pg_current_wal_flush_lsn()::text"
REPLAYED = "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()::text END"
KNOWN_MAX = 1_000
"""How many of the primary's latest positions are remembered."""


class ReplicaLag:
    """Asks both servers, and remembers the primary's position at each time."""

    def __init__(self, *, primary: Store, replica: Store, limit_s: float, clock: Callable[[], float]) -> None:
        self._primary = primary
        self._replica = replica
        self._limit_s = limit_s
        self._clock = clock
        self._has_all_until = clock()
        self._written: deque[tuple[float, int]] = deque(maxlen=KNOWN_MAX)
        """When the primary was asked, and its position then."""

    @property
    def seconds(self) -> float:
        """Everything that was committed longer ago than this is on the replica. It grows while that is unknown."""
        return self._clock() - self._has_all_until

    async def measure(self) -> None:
        """Ask both servers, for a limited time."""
        asked = self._clock()
        try:
            async with asyncio.timeout(self._limit_s):
                written, replayed = await self._primary.ask(WRITTEN), await self._replica.ask(REPLAYED)
        except (AttemptFailedError, TimeoutError):
            return  # nothing is known of it now, which is what the number says
        self._written.append((asked, position(written)))
        if replayed is not None:
            self._has(position(replayed))

    def _has(self, replayed: int) -> None:
        while self._written and self._written[0][1] <= replayed:
            self._has_all_until = self._written.popleft()[0]


def position(lsn: str) -> int:
    """Return the position in PostgreSQL's log that `16/B374D848` names, in bytes."""
    high, _, low = lsn.partition("/")
    return (int(high, 16) << 32) + int(low, 16)
