"""Faults of the servers themselves: what another session does to them, and their end.

`execute` works on every server, like `stop`, `restart` and `crash` of `server_away`. Faults of one protocol's servers
are in that protocol's `faults` module. Scenarios import all of them from here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from harness.errors import UsageError
from harness.faults.background import Background
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Fault, Injection
from harness.faults.link import cut
from harness.faults.messages.timing import TimedFault
from harness.faults.site import ServerChange, Site
from harness.protocols.contract.probes import NotUnderstoodError, Said, UnreachedError
from harness.relay import Ended, Report
from harness.vocabulary import Link

if TYPE_CHECKING:
    # Imported by star, so that only its own file names a new fault. `__all__` there lists the names.
    from harness.faults.server_away import *  # noqa: F403  # as above
    from harness.protocols.postgres.faults import *  # noqa: F403  # as above
    from harness.protocols.redis.faults import *  # noqa: F403  # as above
else:

    def __getattr__(name: str) -> object:
        """Return the fault of kind `server.NAME`, of any protocol."""
        try:
            return Fault.kinds()[f"server.{name}"]
        except KeyError:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


EXECUTED = EvidenceKind("executed", "server", "the server says that it carried the text out", felt=False)
ENDED_CONNECTIONS = EvidenceKind(
    "ended_connections", "relay", "after the text the server ended connections of the service's"
)


@dataclass(frozen=True, repr=False)
class Execute(TimedFault, kind="server.execute"):
    """Another session executes SQL or a Redis command, once. Use it for what no named fault covers.

    For example::

        await lab.inject(server.execute(redis, "CONFIG SET maxmemory 1", undo="CONFIG SET maxmemory 0"))
        await lab.deliver()

    The server's answer is the evidence: PostgreSQL's command tag ("Message Formats" in its manual, CommandComplete) or
    Redis's reply. A tag that counts no row (`UPDATE 0`) is not evidence, and neither is one about the harness's own
    session only (`SET`). A `SELECT` is evidence if it returned a row: it may have called a function, such as
    pg_terminate_backend, and the tag does not show the difference from a mere read. A reply of Redis is evidence unless
    it is 0, false, empty, -1 or -2, which `EXPIRE` or `TTL` return for a key that does not exist. If the text ends its
    own session or its server (`SHUTDOWN`), the end of the session is the evidence, and the run goes on without that
    server.

    That proves only that the text was carried out. The run is inconclusive unless the service felt something. These
    count: connections of the service that the server ended afterwards (also evidence), another fault, an answer that is
    not an acknowledgement, a failed statement of the service, a moment that the scenario waited for, or a figure with
    `at_least`.

    A change may outlive the run (`CONFIG SET`, `REPLICAOF`, `ALTER SYSTEM`). If the harness started the servers, the
    next scenario gets new ones. On a server that was given by URL, the harness restores nothing; it only executes
    `undo`.

    Args:
        link: the link to the server.
        text: the SQL, or the Redis command with its arguments.
        undo: executed in the same way when the fault is healed; "" for nothing. It is needed if the service cannot
            recover otherwise: `REPLICAOF NO ONE` after `REPLICAOF 127.0.0.1 1`.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.

    Raises:
        UsageError: when it acts, if the server does not understand the text, or reports an error halfway. The run
    is then inconclusive, unless a row is wrong.
    """

    does: ClassVar[str] = "have another session on {fault.link} do: {fault.text}"
    waits_are_seen: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (EXECUTED, ENDED_CONNECTIONS)
    link: Link
    text: str = field()
    undo: str = field(default="", kw_only=True)

    @classmethod
    def example(cls, ground: Ground) -> Example | None:
        """It happens once, before the deliveries. Returns None for a server that executes no text.

        The connections are also cut, so that the service feels something.
        """
        if not ground.harmless:
            return None
        return Example(cls(ground.link, ground.harmless), beside=(cut(ground.link),), met="after", deliveries=SOME)

    @property
    def lasting(self) -> bool:
        """Whether its effect stays, because nothing undoes it."""
        return not self.undo

    def injection(self, site: Site) -> Injection:
        """Execute it on the server, without the proxy."""
        return _Execute(self, site)


class _Execute(Injection):
    def __init__(self, fault: Execute, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._done = 0
        self._said = self._unreached = ""
        self._undo_owed = False
        self._change = ServerChange(site.laid(fault.link).server, fault)
        self._asking = Background()
        self._ended: list[Ended] = []
        self._leave: Callable[[], None] | None = None

    def _heard(self, report: Report) -> None:
        hop = self._site.laid(self._fault.link).hop
        if isinstance(report, Ended) and report.hop == hop and report.by in ("server", "reset by server"):
            self._ended.append(report)

    async def act(self) -> None:
        self._leave = self._site.relay.on_report(self._heard)
        # Recorded first: a text that fails halfway may have changed something.
        self._site.server_changes.append(self._change)
        self._undo_owed = bool(self._fault.undo)
        upset = self._site.upset(self._fault.link, but=self._change)
        try:
            said = await self._run(self._fault.text, "text")
        except UnreachedError as problem:
            upset = self._site.upset(self._fault.link, but=self._change) or upset  # it may have come back since
            if upset is None:
                raise
            self._undo_owed, self._change.mended = False, True
            self._unreached = f"{upset.server} could not be reached while {upset.fault!r} was in force: {problem}"
            return
        # In parallel with the scenario: the text may have paused the server.
        self._asking.begin(self._see_it_go_on())
        self._said = said.text
        if said.effective:
            self._done = 1
            self._site.saw(EXECUTED, f"{self._fault.text}: {self._said}", server=self._site.laid(self._fault.link))

    async def _run(self, text: str, key: str) -> Said:
        try:
            return await self._site.laid(self._fault.link).own.execute(text)
        except NotUnderstoodError as problem:
            mend = "write what this server understands"
            raise UsageError.at("server.execute", key, text, str(problem), mend=mend) from problem

    async def _see_it_go_on(self) -> None:
        """Ask the server something else. If the text has ended it, or told it to end, it serves no new session."""
        laid = self._site.laid(self._fault.link)
        probe = laid.own.probe()
        errors: tuple[type[Exception], ...] = (OSError, *probe.errors)
        try:
            _, writer = await asyncio.open_connection(laid.upstream.host, laid.upstream.port)  # not every probe asks
            writer.close()
            await probe.idle()
            self._change.may_end_it = False
        except errors:
            pass  # it may be ending
        finally:
            await probe.close()

    async def instead(self) -> str:
        return "" if self._done else f"the server said {self._said!r}" if self._said else self._unreached

    async def fired(self) -> int:
        return self._done

    async def heal(self) -> None:
        """Execute `undo`, once."""
        # A server that the text has paused may answer only when that is undone.
        await self._asking.end(cancel=self._undo_owed)
        await self._see_what_it_ended()
        self._asking.check()
        if self._undo_owed:
            self._undo_owed = False
            self._change.may_end_it = True
            await self._run(self._fault.undo, "undo")
            await self._see_it_go_on()

    async def _see_what_it_ended(self) -> None:
        if self._leave is None:
            return
        await self._site.relay.sync()
        self._leave()
        self._leave = None
        if self._done and self._ended:
            ports = ", ".join(str(each.service_port) for each in self._ended)
            detail = f"{len(self._ended)} of the service's connections to {self._fault.link} (ports {ports})"
            self._site.saw(ENDED_CONNECTIONS, detail)


execute = Execute
