"""The standby behind a replica's link: a fault creates it, and removes it when healed."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from dataclasses import dataclass
from typing import ClassVar, cast

from harness.errors import HarnessError, UsageError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import Example, Ground
from harness.faults.fault import Injection
from harness.faults.messages.timing import TimedFault
from harness.faults.site import LaidLink, ServerChange, Site
from harness.polling import poll_async
from harness.protocols.postgres.failover.standby import AnyKind, Standby
from harness.protocols.postgres.probes import session as open_session
from harness.protocols.postgres.server import PostgresServer
from harness.protocols.postgres.storage import OwnDatabase
from harness.protocols.postgres.words import Postgres
from harness.vocabulary import Link

__all__ = ["LOG_ALL", "STREAMED", "OnReplica", "Replica", "ReplicaFault", "read_behind", "set_and_reload"]

CAUGHT_UP_WITHIN_S = 30.0
PROMOTED_WITHIN_S = 30
LOG_ALL = "ALTER SYSTEM SET log_statement = 'all'"
STREAMED = EvidenceKind(
    "streamed", "PostgreSQL", "a standby had replayed all that its primary had, and the link led to it", felt=False
)
ENTRY = re.compile(r"^(?=\d{4}-\d\d-\d\d )", re.MULTILINE)
"""The beginning of an entry of PostgreSQL's log. A statement in it may have several lines."""
_READS = re.compile(r"\bFROM\s+\"?(?P<table>\w+)", re.IGNORECASE)


def read_behind(fault: TimedFault, ground: Ground, *, deliveries: int = 1) -> Example:
    """One delivery that is read while the fault is on; without `deliveries`, the one before it."""
    return Example(
        fault, restarted_with=ground.read_with, reads=ground.read, prepared=not deliveries, deliveries=deliveries
    )


@dataclass(frozen=True, repr=False)
class ReplicaFault(TimedFault):
    """A fault of the standby behind a link through which the service reads a replica."""

    needs_own_server: ClassVar[bool] = True
    of_a_replica: ClassVar[bool] = True
    link: Postgres

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """A delivery is read there. The standby may lack it."""
        return read_behind(cls(ground.link_as(Postgres)), ground)


class Replica:
    """The standby behind a link. If a fault finds one there already, it uses that one.

    `settings`: statements that configure the standby when it exists.
    """

    def __init__(
        self, site: Site, fault: TimedFault, link: Link, *, kind: AnyKind = "streaming", settings: tuple[str, ...] = ()
    ) -> None:
        self._site = site
        self._settings = settings
        self._server: PostgresServer | None = None
        self._kind = kind
        self._link = link
        self.followed = _followed(site, link, fault)
        """The link whose server it follows."""
        self._change = ServerChange(self.followed.server, fault, may_end_it=False)
        self._before: LaidLink | None = None
        self._standby: Standby | None = None

    @property
    def primary(self) -> PostgresServer:
        """The server that it follows."""
        return cast("PostgresServer", self._site.servers[self.followed.server])

    @property
    def laid(self) -> LaidLink:
        """The link's current state."""
        return self._site.laid(self._link)

    @property
    def standby(self) -> Standby:
        """The standby that this fault has created. Raises HarnessError if it uses another fault's."""
        if self._standby is None:
            problem = f"{self._link} leads to a standby of another fault, which this fault cannot use"
            raise HarnessError(problem, hint="inject this one alone")
        return self._standby

    async def make(self) -> PostgresServer:
        """Put a standby that has replayed everything behind the link. Return it. Idempotent."""
        if self._server is None:
            self._server = await self._made()
            for setting in self._settings:
                await set_and_reload(self._server.url(), setting)
        return self._server

    async def _made(self) -> PostgresServer:
        laid = self.laid
        if laid.server != self.followed.server:
            return cast("PostgresServer", self._site.servers[laid.server])
        self._site.server_changes.append(self._change)
        self._standby = await asyncio.to_thread(Standby, self.primary, self._kind)
        self._before = laid
        server = self._standby.as_server(self._link.name)
        self._site.servers[server.name] = server
        await self.catch_up(server)
        own = dataclasses.replace(cast("OwnDatabase", laid.own), server=server)
        await self._site.lead(self._link, server, own)
        return server

    async def catch_up(self, server: PostgresServer) -> None:
        """Wait until it has replayed all that the primary has written. Raises HarnessError."""
        async with open_session(self.primary.url()) as admin, open_session(server.url()) as standby:
            position = await admin.fetchval("SELECT pg_current_wal_flush_lsn()")

            async def has_it() -> bool:
                return bool(await standby.fetchval("SELECT pg_last_wal_replay_lsn() >= $1", position))

            if not await poll_async(has_it, within_s=CAUGHT_UP_WITHIN_S):
                problem = f"the standby behind {self._link} has not replayed {position} in {CAUGHT_UP_WITHIN_S:g} s"
                raise HarnessError(problem, hint="see its log for the reason")

    def reads(self, mark: int = 0) -> int:
        """How many of the service's statements that read stored rows the standby has logged since `mark`.

        Their table is the one in the target's SQL; without that SQL every statement counts.
        """
        laid, table = self.laid, _READS.search(self.followed.stored or "")
        if laid.log is None:
            return 0
        wanted = rf"\bFROM\s+\"?{table['table']}\b" if table else ""
        user = re.escape(laid.words["user"])
        of_service = re.compile(rf"user={user} .*?LOG:  (?:execute|statement)\b.*{wanted}", re.DOTALL)
        return sum(1 for entry in ENTRY.split(laid.log.read(mark)) if of_service.search(entry))

    async def give_up(self) -> None:
        """Lead the link to its earlier server, and stop the standby. Idempotent."""
        self._server = None
        standby, self._standby = self._standby, None
        if standby is None:
            return
        try:
            if self._before is not None:
                await self._site.lead(self._link, self.primary, self._before.own)
        finally:
            self._site.servers.pop(self._link.name, None)
            await asyncio.to_thread(standby.close)
        self._change.mended = True


class OnReplica(Injection):
    """An injection that creates the standby, and stops it when healed. `settings`: see `Replica`."""

    settings: ClassVar[tuple[str, ...]] = (LOG_ALL,)

    def __init__(self, fault: ReplicaFault, site: Site) -> None:
        self._site = site
        self._replica = Replica(site, fault, fault.link, settings=self.settings)

    async def prepare(self) -> None:
        """Make the standby."""
        await self._replica.make()


def _followed(site: Site, link: Link, fault: TimedFault) -> LaidLink:
    laid = site.laid(link)
    if laid.replica_of is None:
        valid = [name for name, each in site.links.items() if each.replica_of is not None]
        mend = "" if valid else "describe one: [links.replica] with protocol and replica_of"
        raise UsageError.at(fault.kind, "link", link.name, "the service reads no replica on it", valid=valid, mend=mend)
    return site.links[laid.replica_of]


async def set_and_reload(url: str, statement: str) -> None:
    """Change a server's configuration, and reload it."""
    async with open_session(url) as admin:
        await admin.execute(statement)
        await admin.execute("SELECT pg_reload_conf()")
