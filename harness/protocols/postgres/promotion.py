"""The fault of a failover: the primary is killed, and its standby takes over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import ClassVar, cast

from harness.errors import UsageError
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Connections, Injection
from harness.faults.server_away import Away, ServerAway
from harness.faults.site import Site
from harness.protocols.postgres.server import PostgresServer
from harness.protocols.postgres.standby import Standby
from harness.protocols.postgres.words import Postgres
from harness.stack.server import Server
from harness.vocabulary import ANY_OUTCOME


@dataclass(frozen=True, repr=False)
class Promote(ServerAway, kind="server.promote"):
    """PostgreSQL's primary is killed and its synchronous standby promoted, as in a failover behind one address.

    For example::

        async with lab.inject(server.promote(postgres, at=postgres.answered("COMMIT"))):
            await lab.deliver()

    The standby is made when the fault is injected: from then on a COMMIT is answered when the standby has it, too. So
    nothing that was acknowledged may be lost, whatever the moment. When it strikes, the primary gets SIGKILL, connects
    are refused for `down_ms` and as long as the promotion takes, and then the same address leads to the new primary.
    A service that commits without waiting (`synchronous_commit = off` or `local`) loses deliveries.

    Args:
        link: the link to the PostgreSQL server. Every other link to the same server is struck, too.
        down_ms: how long it takes until the standby is told to take over, 0 or more.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until the
            primary has ended. At another moment it strikes as soon as the moment is seen. None: when it is injected.

    Raises:
        UsageError: `down_ms` is less than 0.
    """

    takes: ClassVar[frozenset[Connections]] = frozenset()
    link: Postgres
    down_ms: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.down_ms < 0:
            raise UsageError.at(self.kind, "down_ms", self.down_ms, "less than 0", mend="write 0 to promote it at once")

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """Deliveries that come while nothing is promoted yet may be refused."""
        return Example(cls(ground.link_as(Postgres)), deliveries=SOME, expect=ANY_OUTCOME)

    def effect(self) -> str:
        """What it does, and how long the failover takes to begin."""
        return f"kill the primary of {self.link} and promote its standby after {self.down_ms} ms"

    @property
    def back_after_ms(self) -> int | None:
        """`down_ms`."""
        return self.down_ms

    def end(self, server: Server) -> None:
        """Kill it."""
        server.crash()

    def injection(self, site: Site) -> Injection:
        """Make the standby, kill the primary, promote the standby, lead the link to it."""
        return _Promote(self, site)


class _Promote(Away):
    def __init__(self, fault: Promote, site: Site) -> None:
        super().__init__(fault, site)
        self._standby: Standby | None = None

    async def prepare(self) -> None:
        if self._standby is None:
            self._standby = await asyncio.to_thread(Standby, cast("PostgresServer", self.server))

    async def bring_back(self, listens: Callable[[], Awaitable[None]]) -> None:
        if self._standby is None:
            raise AssertionError("act() has prepared it")
        await asyncio.to_thread(self._standby.promote)
        await self.site.relink(self.server)
        await listens()

    async def heal(self) -> None:
        """Promote it if it was not, once the primary has ended; a standby that nothing needed is stopped."""
        try:
            await super().heal()
        finally:
            if self._standby is not None:
                await asyncio.to_thread(self._standby.close)


promote = Promote

__all__ = ["promote"]
