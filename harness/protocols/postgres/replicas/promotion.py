"""The fault of a standby that is promoted beside its primary, and no longer follows it."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import dataclass
from typing import ClassVar

from harness.faults.evidence import EvidenceKind
from harness.faults.fault import Injection
from harness.faults.site import Site
from harness.protocols.postgres.probes import session as open_session
from harness.protocols.postgres.replicas.replica_link import PROMOTED_WITHIN_S, OnReplica, ReplicaFault

PROMOTED_USED = EvidenceKind(
    "promoted_used", "PostgreSQL", "the service used the standby after it was promoted beside its primary"
)


@dataclass(frozen=True, repr=False)
class PromoteReplica(ReplicaFault, kind="server.promote_replica"):
    """The standby that the service reads is promoted while its primary lives on.

    It stops following, and accepts writes.

    For example, with a change that an operator then makes on it::

        replica = Postgres("replica")
        drill = server.execute(replica, "DELETE FROM deliveries")
        async with lab.inject(server.promote_replica(replica)), lab.inject(drill):
            await lab.request("delivery", of=0)
            await lab.deliver()

    This is a drill, or an operator's mistake: only the link for reads leads to that server, and everything that it
    stores is lost. The fault creates the standby, as `server.standby` does. When it is healed, the link leads to the
    primary again.

    Args:
        link: a link with `replica_of` in the target description.
        at: as of `server.standby`.

    Raises:
        UsageError: when it is injected, if the link reads no replica.
    """

    does: ClassVar[str] = "promote the standby behind {fault.link} beside its primary"
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (PROMOTED_USED,)

    def injection(self, site: Site) -> Injection:
        """Create the standby, and promote it."""
        return _PromoteReplica(self, site)


class _PromoteReplica(OnReplica):
    settings = ()
    _promoted_at: dt.datetime | None = None

    async def act(self) -> None:
        server = await self._replica.make()
        async with open_session(server.url()) as standby:
            await asyncio.shield(standby.execute(f"SELECT pg_promote(true, {PROMOTED_WITHIN_S})"))
        self._promoted_at = dt.datetime.now(dt.UTC)

    async def fired(self) -> int:
        """How many sessions the service has used there since then."""
        if self._promoted_at is None:
            return 0
        sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND query_start > $2"
        async with open_session(self._replica.laid.admin_url) as asking:
            return int(await asking.fetchval(sql, self._replica.laid.words["user"], self._promoted_at))

    async def heal(self) -> None:
        """Record who used it, once; lead the link to the primary, and stop it."""
        try:
            used = await self.fired()
            self._promoted_at = None
            if used:
                self._site.saw(PROMOTED_USED, f"{used} sessions of the service's", server=self._replica.laid)
        finally:
            await self._replica.give_up()


promote_replica = PromoteReplica

__all__ = ["promote_replica"]
