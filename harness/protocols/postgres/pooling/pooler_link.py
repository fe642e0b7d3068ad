"""The PgBouncer behind a pooler's link. A fault starts it, and ends it when healed."""

from __future__ import annotations

import asyncio
from typing import cast

from harness.addresses import HostPort
from harness.errors import HarnessError, UsageError
from harness.faults.messages.timing import TimedFault
from harness.faults.site import LaidLink, Site
from harness.protocols.postgres.pooling.bouncer import PgBouncer, Pooled, PoolerSettings
from harness.protocols.postgres.server import PostgresServer
from harness.vocabulary import Link

__all__ = ["Pooler", "pooler_behind"]


class Pooler:
    """Puts a PgBouncer behind a link. It reaches the server through the link that it pools."""

    def __init__(self, site: Site, fault: TimedFault, link: Link, settings: PoolerSettings) -> None:
        self._site = site
        self._fault = fault
        self._link = link
        self._settings = settings
        self._before: LaidLink | None = None
        self.process: PgBouncer | None = None
        """None: it does not exist yet, or no longer."""

    async def make(self) -> PgBouncer:
        """Start it, and lead the link to it. Earlier connections end. Raises UsageError for another link."""
        if self.process is not None:
            return self.process
        laid = self._site.laid(self._link)
        pooled = _pooled(self._site, laid, self._fault)
        if laid.server != pooled.server:
            raise HarnessError(f"{self._link} leads to a pooler of another fault", hint="inject one of them")
        server = cast("PostgresServer", self._site.servers[pooled.server])
        launch = server.beside(self._link.name)
        where = Pooled(
            server=HostPort(pooled.host, pooled.port), database=pooled.words["database"], user=pooled.words["user"],
            password=pooled.words["password"], tls=pooled.tls,
        )  # fmt: skip
        self._before = laid
        self.process = await asyncio.to_thread(PgBouncer.start, launch, where, self._settings)
        self._site.servers[self.process.name] = self.process
        await self._site.lead(self._link, self.process, laid.own)
        return self.process

    async def give_up(self) -> None:
        """Lead the link to its earlier server, and end PgBouncer. Idempotent."""
        process, self.process = self.process, None
        if process is None or self._before is None:
            return
        try:
            await self._site.lead(self._link, self._site.servers[self._before.server], self._before.own)
        finally:
            self._site.servers.pop(process.name, None)
            await asyncio.to_thread(process.give_up)


def pooler_behind(site: Site, link: Link, place: str) -> PgBouncer:
    """Return the PgBouncer that a fault has put behind a link. Raises UsageError if there is none."""
    server = site.servers[site.laid(link).server]
    if not isinstance(server, PgBouncer):
        mend = "inject server.pooler on it first"
        raise UsageError.at(place, "link", link.name, "no PgBouncer is behind it", mend=mend)
    return server


def _pooled(site: Site, laid: LaidLink, fault: TimedFault) -> LaidLink:
    if laid.pool_of is None:
        valid = [name for name, each in site.links.items() if each.pool_of is not None]
        mend = "" if valid else "describe one: [links.pooled] with protocol and pool_of"
        problem = "no pooler leads by it to a server"
        raise UsageError.at(fault.kind, "link", laid.link.name, problem, valid=valid, mend=mend)
    return site.links[laid.pool_of]
