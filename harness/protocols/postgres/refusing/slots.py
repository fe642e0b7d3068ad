"""The fault in which other sessions take all of PostgreSQL's slots."""

from __future__ import annotations

import asyncio
import re
import secrets
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import ClassVar

import asyncpg

from harness.errors import HarnessError, UsageError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Fault, Injection
from harness.faults.link import cut
from harness.faults.site import Site
from harness.polling import poll_async
from harness.protocols.contract.access import ADMIN_TIMEOUT_S, OWN_NAME
from harness.protocols.postgres.probes import session as open_session
from harness.protocols.postgres.refusing.logins import LOGINS_REFUSED
from harness.protocols.postgres.storage import CHEAP_SCRAM, ROUNDS_ARE_FREE
from harness.protocols.postgres.words import Postgres

__all__ = ["take_connections"]

AT_ONCE = 16
"""How many logins run at once."""
REFUSED_IN_A_ROW = 3
TAKEN_WITHIN_S = 30.0
"""Far more than the last sessions need to end."""
DATABASE = "postgres"
FREE = """
    SELECT max(setting::int) FILTER (WHERE name = 'max_connections')
        - sum(setting::int) FILTER (WHERE name LIKE '%reserved_connections')
        - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')
    FROM pg_settings
"""
"""How many more sessions a role that is not a superuser can have, while the asking session is open."""


@dataclass(frozen=True, repr=False)
class TakeConnections(Fault, kind="server.take_connections"):
    """Another role takes all of PostgreSQL's slots: further sessions are refused with 53300 until healed.

    For example::

        async with lab.inject(link.cut(postgres), server.take_connections(postgres)):
            await lab.deliver(5, expect=REFUSED)

    The harness's own role opens sessions until no slot is left ("max_connections" in PostgreSQL's manual; the slots for
    superusers stay, and the harness uses them to look at the server). Then it closes as many as must be left. Open
    sessions stay, and the service can get a slot back that it gives up, so cut its connections before. When healed, the
    sessions are closed. `server.limit_connections` uses no slots, and limits the service's role or database.

    Args:
        link: the link to the PostgreSQL server.
        leaving: how many slots are left, 0 or more.

    Raises:
        UsageError: `leaving` is less than 0.
    """

    needs_own_server: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (LOGINS_REFUSED,)
    link: Postgres
    leaving: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.leaving < 0:
            mend = "write 0 to leave none"
            raise UsageError.at(self.kind, "leaving", self.leaving, "less than no slot", mend=mend)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The service has to connect again, and every connect is refused, so it refuses."""
        link = ground.link_as(Postgres)
        return Example(cls(link), before=(cut(link),), deliveries=SOME, expect=ground.without_link)

    def effect(self) -> str:
        """What it does, and what it leaves."""
        left = f"all but {self.leaving}" if self.leaving else "all"
        return f"take {left} of PostgreSQL's slots"

    def injection(self, site: Site) -> Injection:
        """Open sessions until no slot is left."""
        return _TakeConnections(self, site)


class _TakeConnections(Injection):
    def __init__(self, fault: TakeConnections, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._laid = site.laid(fault.link)
        self._role = f"harness_takes_{secrets.token_hex(4)}"
        self._password = secrets.token_hex(12)
        self._taken: list[asyncpg.Connection] = []
        self._made = False
        self._log_mark = 0

    async def act(self) -> None:
        async with open_session(self._laid.admin_url) as admin:
            self._made = True
            if await admin.fetchval(ROUNDS_ARE_FREE):
                await admin.execute(CHEAP_SCRAM)
            await admin.execute(f"CREATE ROLE {self._role} LOGIN PASSWORD '{self._password}'")
            free = int(await admin.fetchval(FREE))
        # Never more logins at once than slots: a running login has a slot, even if it is refused in the end.
        for first in range(0, free, AT_ONCE):
            async with asyncio.TaskGroup() as logins:
                for _ in range(min(AT_ONCE, free - first)):
                    logins.create_task(self._take())
        await self._take_the_rest()
        # From here on: the log names another role for the harness's own refused sessions.
        self._log_mark = self._laid.log.size() if self._laid.log else 0
        for _ in range(min(self._fault.leaving, len(self._taken))):
            await self._taken.pop().close(timeout=ADMIN_TIMEOUT_S)

    async def _take_the_rest(self) -> None:
        """Take the slots of sessions that have ended since, until there was no free slot several times in a row."""
        refused = 0

        async def nothing_left() -> bool:
            nonlocal refused
            refused = 0 if await self._take() else refused + 1
            return refused >= REFUSED_IN_A_ROW

        if not await poll_async(nothing_left, within_s=TAKEN_WITHIN_S):
            raise HarnessError(f"{self._laid.server} had a slot again and again for {TAKEN_WITHIN_S:g} s")

    async def _take(self) -> bool:
        """Take a slot; return whether there was one."""
        try:
            taken = await asyncpg.connect(
                self._laid.admin_url, user=self._role, password=self._password, database=DATABASE,
                timeout=ADMIN_TIMEOUT_S, server_settings={"application_name": OWN_NAME},
            )  # fmt: skip
        except asyncpg.TooManyConnectionsError:
            return False
        self._taken.append(taken)
        return True

    async def fired(self) -> int:
        """How many logins of the service were refused."""
        if self._laid.log is None or not self._made:
            return 0
        user = re.escape(self._laid.words["user"])
        line = rf"user={user} .*state=53300 FATAL:  (?:sorry, too many|remaining connection)"
        return len(re.findall(line, self._laid.log.read(self._log_mark)))

    async def heal(self) -> None:
        """Close the sessions and drop their role, once."""
        if not self._made:
            return
        refused = await self.fired()
        self._made = False
        async with AsyncExitStack() as closing:
            closing.push_async_callback(self._drop)
            for each in self._taken:
                closing.push_async_callback(each.close, timeout=ADMIN_TIMEOUT_S)
            self._taken = []
        if refused:
            self._site.saw(LOGINS_REFUSED, f"{refused} logins of the service refused", server=self._laid)

    async def _drop(self) -> None:
        async with open_session(self._laid.admin_url) as admin:
            await admin.execute(f"DROP ROLE IF EXISTS {self._role}")


take_connections = TakeConnections
