"""Faults that take a server away: it is stopped, restarted or killed, and comes back with the data that it kept.

The harness does to its own servers what an operator or the kernel does. The service gets the server's last messages and
closed connections, then refused connects, then a server that is starting, then one without the old sessions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from harness.errors import UsageError
from harness.faults.background import Background
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import WHOLE_LINK, Connections, Injection
from harness.faults.links.injections import CONNECTS_REFUSED
from harness.faults.links.meter import LinkMeter
from harness.faults.messages.timing import TimedFault
from harness.faults.site import LaidLink, ServerChange, Site
from harness.polling import poll_async
from harness.relay import Ended, Report
from harness.stack.servers.process import Shutdown
from harness.stack.servers.server import Server
from harness.stack.tcp.sockets import listening
from harness.vocabulary import ANY_OUTCOME, Link

LISTENS_WITHIN_S = 30.0
CONNECTIONS_LOST = EvidenceKind(
    "connections_lost", "relay", "connections of the service's ended with the server's process"
)
PROCESS_REPLACED = EvidenceKind(
    "process_replaced", "keeper", "a server behind a pooler ended and was replaced; no connection met that", felt=False
)


@dataclass(frozen=True, repr=False)
class ServerAway(TimedFault):
    """The common base of this file's faults. The harness must have started the server itself."""

    needs_own_server: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (CONNECTIONS_LOST, CONNECTS_REFUSED, PROCESS_REPLACED)
    takes: ClassVar[frozenset[Connections]] = WHOLE_LINK
    link: Link

    def end(self, server: Server) -> None:
        """End the server's process. Blocks until it has ended."""
        raise NotImplementedError

    @property
    def back_after_ms(self) -> int | None:
        """How long the server stays away; None: until healed."""
        return None

    def injection(self, site: Site) -> Injection:
        """End the server, refuse its connections, and start it again."""
        return Away(self, site)


@dataclass(frozen=True, repr=False)
class Stop(ServerAway, kind="server.stop"):
    """The server is stopped, and started again when healed.

    For example::

        async with lab.inject(server.stop(postgres)):
            await lab.deliver(expect=REFUSED)

    PostgreSQL ends each session with 57P01 and rolls back its transaction ("Shutting Down the Server" in its manual,
    fast mode). With `how="immediate"` sessions get 57P02, and the next start recovers from the log, as after a crash.
    Redis loses what it did not write to disk: by default everything. While the server is away, connect(2) gives the
    service ECONNREFUSED.

    Args:
        link: the link to the server. Every other link to the same server is struck, too.
        how: "orderly" or "immediate".
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.

    Raises:
        UsageError: `how` is something else.
    """

    does: ClassVar[str] = "stop the server of {fault.link} ({fault.how})"
    how: Shutdown = field(default="orderly", kw_only=True)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The server is away when the deliveries come."""
        return Example(cls(ground.link), deliveries=SOME, expect=ground.without_link)

    def end(self, server: Server) -> None:
        """Stop it."""
        server.stop(how=self.how)


@dataclass(frozen=True, repr=False)
class Restart(ServerAway, kind="server.restart"):
    """The server is stopped, and started again after a time. The scenario goes on in the meantime.

    For example::

        async with lab.inject(server.restart(postgres, down_ms=500)):
            await lab.deliver(20)

    Connects are refused while nothing listens. They are accepted again as soon as the server listens, which may be
    before it is ready: PostgreSQL then answers 57P03, "the database system is starting up". Its sessions are gone, and
    their prepared statements with them.

    Args:
        link: the link to the server. Every other link to the same server is struck, too.
        down_ms: how long the server stays away before it is started, 0 or more.
        how: "orderly" or "immediate", as in `server.stop`.
        at: when it strikes, as in `server.stop`.

    Raises:
        UsageError: `how` is something else, or `down_ms` is less than 0.
    """

    does: ClassVar[str] = "restart the server of {fault.link} ({fault.how}), away for {fault.down_ms} ms"
    takes: ClassVar[frozenset[Connections]] = frozenset()
    down_ms: int = field(default=0, kw_only=True)
    how: Shutdown = field(default="orderly", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        _not_negative(self.kind, self.down_ms)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """Deliveries that come while it is away may be refused."""
        return Example(cls(ground.link), deliveries=SOME, expect=ANY_OUTCOME)

    @property
    def back_after_ms(self) -> int | None:
        """`down_ms`."""
        return self.down_ms

    def end(self, server: Server) -> None:
        """Stop it."""
        server.stop(how=self.how)


@dataclass(frozen=True, repr=False)
class Crash(ServerAway, kind="server.crash"):
    """The server and all its children are killed (SIGKILL), and started again.

    For example::

        acknowledged = postgres.answered("COMMIT")
        async with lab.inject(server.crash(postgres, at=acknowledged)):
            await lab.deliver()

    The service gets no message: its connections end. Data that the server had not handed to the kernel is lost.
    PostgreSQL loses what it committed with `synchronous_commit = off` and had not written yet, and recovers everything
    else from its log. Redis loses what it did not write to disk. The kernel keeps the data that it has, because the
    machine did not crash.

    Args:
        link: the link to the server. Every other link to the same server is struck, too.
        down_ms: how long the server stays away before it is started, 0 or more; None: until healed.
        at: when it strikes, as in `server.stop`.

    Raises:
        UsageError: `down_ms` is less than 0.
    """

    does: ClassVar[str] = "kill the server of {fault.link}"
    takes: ClassVar[frozenset[Connections]] = frozenset()
    down_ms: int | None = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.down_ms is not None:
            _not_negative(self.kind, self.down_ms)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """Deliveries that come while it is away may be refused."""
        return Example(cls(ground.link), deliveries=SOME, expect=ANY_OUTCOME)

    def effect(self) -> str:
        """What it does, and how long the server is away."""
        away = "until healed" if self.down_ms is None else f"and start it again after {self.down_ms} ms"
        return f"kill the server of {self.link} {away}"

    @property
    def back_after_ms(self) -> int | None:
        """`down_ms`."""
        return self.down_ms

    def end(self, server: Server) -> None:
        """Kill it."""
        server.crash()


def _not_negative(place: str, down_ms: int) -> None:
    if down_ms < 0:
        raise UsageError.at(place, "down_ms", down_ms, "less than 0", mend="write 0 to start it again at once")


class _Struck:
    """One link to the server: refuses connects while it is away, and counts the connections that ended with it."""

    def __init__(self, laid: LaidLink, site: Site) -> None:
        self.laid = laid
        self._site = site
        self._meter = LinkMeter(site, laid.link)
        self._lost: list[Ended] = []
        self._leave: Callable[[], None] = lambda: None

    async def begin(self) -> None:
        """Watch the link, and refuse connects."""
        await self._meter.begin()
        self._leave = self._site.relay.on_report(self._heard)
        await self._site.relay.refuse(self.laid.hop, True)

    def _heard(self, report: Report) -> None:
        if isinstance(report, Ended) and report.hop == self.laid.hop and report.by in ("server", "reset by server"):
            self._lost.append(report)

    async def accept(self) -> None:
        """Accept connects again."""
        await self._site.relay.refuse(self.laid.hop, False)

    async def met(self) -> int:
        """How many connections have ended with the server, and how many connects were refused."""
        return len(self._lost) + (await self._meter.read()).refused

    async def end(self, *, witness: bool) -> bool:
        """Stop watching; with `witness`, record the evidence. Return whether there was any."""
        await self._site.relay.sync()
        self._leave()
        self._leave = lambda: None
        refused = (await self._meter.end()).refused
        if refused and witness:
            detail = f"{refused} connects of the service to port {self.laid.port} while its server was away"
            self._site.saw(CONNECTS_REFUSED, detail)
        lost, self._lost = self._lost, []
        if lost and witness:
            ports = ", ".join(str(each.service_port) for each in lost)
            self._site.saw(CONNECTIONS_LOST, f"{len(lost)} of the service's connections to {self.laid.link} ({ports})")
        return bool(refused or lost)


class Away(Injection):
    """Ends a server, refuses its connections while it is away, and brings it back. See `ServerAway`."""

    def __init__(self, fault: ServerAway, site: Site) -> None:
        self._fault = fault
        self.site = site
        laid = site.laid(fault.link)
        self.server = site.servers[laid.server]
        """The server that is ended."""
        self._struck: Sequence[_Struck] = [
            _Struck(each, site) for each in site.links.values() if each.server == laid.server
        ]
        self._change = ServerChange(laid.server, fault, may_end_it=False)
        self._coming_back = Background()
        self._begun = False
        self._away = False
        self._former: int | None = None

    async def end_server(self) -> None:
        """End the server's process; return when it has ended."""
        await asyncio.to_thread(self._fault.end, self.server)

    async def bring_back(self, listens: Callable[[], Awaitable[None]]) -> None:
        """Make the server serve again. Call `listens` as soon as it accepts connections, ready or not."""
        starting = asyncio.create_task(asyncio.to_thread(self.server.start_again))

        async def seen() -> bool:
            return starting.done() or bool(await asyncio.to_thread(listening, self.server.port))

        try:
            await poll_async(seen, within_s=LISTENS_WITHIN_S)
            await listens()
        finally:
            await starting

    async def act(self) -> None:
        """End the server; start it again later, or leave that to `heal`."""
        await self.prepare()
        self.site.server_changes.append(self._change)
        self._begun = self._away = True
        for each in self._struck:
            await each.begin()
        self._former = None if self.server.process is None else self.server.process.pid
        await self.end_server()
        if self._fault.back_after_ms is not None:
            self._coming_back.begin(self._come_back(self._fault.back_after_ms / 1000))

    async def _come_back(self, after_s: float) -> None:
        await asyncio.sleep(after_s)  # how long the server is away is the fault itself
        await self._start_again()

    async def _start_again(self) -> None:
        await self.bring_back(self.accept)
        self._away = False
        self._change.mended = True

    async def returned(self) -> None:
        """Wait until it is back, or cannot come back by itself; `heal` raises the reason."""
        await self._coming_back.end(cancel=False)

    def did_what_it_is_for(self) -> bool:
        """Whether the evidence counts. By default it is enough that the server was away."""
        return True

    async def refuse(self) -> None:
        """Refuse connects on every link to the server."""
        for each in self._struck:
            await self.site.relay.refuse(each.laid.hop, True)

    async def accept(self) -> None:
        """Accept them again."""
        for each in self._struck:
            await each.accept()

    async def fired(self) -> int:
        """How many connections ended with the server, and how many connects were refused."""
        return sum([await each.met() for each in self._struck]) if self._begun else 0

    async def heal(self) -> None:
        """Start the server if it is away; record the evidence, once."""
        if not self._begun:
            return
        self._begun = False
        await self._coming_back.end(cancel=False)
        try:
            if self._away:
                await self._start_again()
        finally:
            witness = self.did_what_it_is_for()
            met = [await each.end(witness=witness) for each in self._struck]
        self._coming_back.check()
        if witness and not any(met) and self._is_behind_a_pooler():
            self._see_it_replaced()

    def _is_behind_a_pooler(self) -> bool:
        """Whether a pooler is between the service and the server: it may have held what the service sent."""
        links = self.site.links
        pooled = [(each.server, links[each.pool_of].server) for each in links.values() if each.pool_of is not None]
        return any(behind == self.server.name != pooler for pooler, behind in pooled)

    def _see_it_replaced(self) -> None:
        former, process = self._former, self.server.process
        if former is not None and process is not None and process.pid != former:
            self.site.saw(PROCESS_REPLACED, f"process {former} ended, and {process.pid} serves")


stop, restart, crash = Stop, Restart, Crash

__all__ = ["crash", "restart", "stop"]
