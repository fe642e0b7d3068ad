"""The fault that brings Redis itself into a state in which it answers with an error."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal, get_args

from redis.asyncio import Redis as RedisClient
from redis.exceptions import RedisError

from harness.errors import UsageError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Injection
from harness.faults.link import cut
from harness.faults.messages.timing import TimedFault
from harness.faults.site import ServerChange, Site
from harness.protocols.redis.states.table import STATES
from harness.protocols.redis.words import Redis
from harness.vocabulary import ACKNOWLEDGED

__all__ = ["drive_to"]

Code = Literal["BUSY", "LOADING", "MASTERDOWN", "MAXCLIENTS", "MISCONF", "NOAUTH", "OOM", "PAUSED", "READONLY"]
"""The first word of Redis' answer. MAXCLIENTS stands for `ERR max number of clients reached`, PAUSED for no answer."""
ANSWERED_SO = EvidenceKind(
    "answered_so", "Redis", "it answered so, or let clients wait: its own statistics count that (INFO)"
)


@dataclass(frozen=True, repr=False)
class DriveTo(TimedFault, kind="server.drive_to"):
    """Redis gets into the state in which it answers with this error, until healed.

    For example::

        async with lab.inject(server.drive_to(redis, "OOM")):
            await lab.deliver(5, copies=2)

    `wire.fail` only replaces an answer. This fault puts Redis into the state itself. OOM: `maxmemory` is used up and no
    key may be evicted. MISCONF: a snapshot could not be written. BUSY: a script runs and does not end. LOADING: many
    keys are loaded slowly (DEBUG RELOAD). READONLY: Redis is the replica of a primary that does not exist. MASTERDOWN:
    the same, and it must not answer with stale data. NOAUTH: it asks for a password. MAXCLIENTS: it accepts no further
    client. PAUSED: clients that want to write wait (CLIENT PAUSE). NOAUTH and MAXCLIENTS do not affect open
    connections: cut them, too. Redis' manual explains each state ("Redis configuration file example").

    Args:
        link: the link to the Redis server.
        code: the state, by the error's first word.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.

    Raises:
        UsageError: `code` is not such a word.
    """

    does: ClassVar[str] = "drive {fault.link} into the state in which it answers {fault.code}"
    needs_own_server: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (ANSWERED_SO,)
    link: Redis
    code: Code = field()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.code not in STATES:
            raise UsageError.at(self.kind, "code", self.code, "no state of Redis", valid=get_args(Code))

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """Redis accepts no writes, on old or new connections."""
        link = ground.link_as(Redis)
        return Example(cls(link, "OOM"), beside=(cut(link),), deliveries=SOME, expect=ACKNOWLEDGED)

    def injection(self, site: Site) -> Injection:
        """Bring Redis into the state."""
        return _DriveTo(self, site)


class _DriveTo(Injection):
    def __init__(self, fault: DriveTo, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._laid = site.laid(fault.link)
        self._change = ServerChange(self._laid.server, fault, may_end_it=False)
        self._state = STATES[fault.code](self._laid.admin_url)
        self._own: RedisClient | None = None
        self._before = self._answered = 0

    async def act(self) -> None:
        self._own = await self._state.open()
        self._site.server_changes.append(self._change)
        self._before = await self._state.answered(self._own)
        await self._state.enter(self._own)

    async def fired(self) -> int:
        """How many answers were such errors; while Redis cannot report it, the last reported number."""
        if self._own is not None:
            try:
                self._answered = await self._state.answered(self._own) - self._before
            except RedisError:
                return self._answered  # a script runs, say: it answers nothing else
        return self._answered

    async def heal(self) -> None:
        """Bring it out again; record the evidence, once."""
        own = self._own
        if own is None:
            return
        try:
            await self._state.leave(own)
            await self.fired()
        finally:
            self._own = None
            await self._state.close()
        self._change.mended = True
        if self._answered > 0:
            self._site.saw(ANSWERED_SO, f"{self._answered} times {self._fault.code}", server=self._laid)


drive_to = DriveTo
