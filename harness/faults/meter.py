"""What happened on a link while a fault was in force, by the word of those who carried it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.faults.site import Site
from harness.stack.sockets import TcpConnection, TcpState
from harness.vocabulary import Link


@dataclass(frozen=True, slots=True)
class LinkActivity:
    """The service's own traffic on one link over a span of time."""

    dialled: int
    """connect() calls to it that the kernel was left to answer; 0 where calls are not watched."""
    accepted: int
    """Connections that Toxiproxy accepted on it."""
    opened: int
    """Connections open now that were not at the beginning."""
    closed: int
    """Connections open at the beginning that are open no longer, though the process that had them is there."""
    left: int
    """Connections of Toxiproxy's that the server has closed and Toxiproxy has not."""
    moved: int
    """Connections open then and now on which bytes went out or came in."""
    bytes_sent: int
    bytes_received: int
    bytes_withheld: int
    """What the server sent to Toxiproxy and the service has not received: dropped, or still held back."""

    @property
    def refused(self) -> int:
        """Connects that nobody accepted."""
        return max(0, self.dialled - self.accepted)

    @property
    def ended(self) -> int:
        """Connections that ended, those that came and went in between included."""
        return self.closed + max(0, self.accepted - self.opened)

    @property
    def touched(self) -> int:
        """Connections that were there to feel a fault: new, gone or used, or left without their answer."""
        return self.accepted + self.closed + self.moved + int(self.bytes_withheld > 0)

    def __str__(self) -> str:
        """For a line of evidence."""
        return (
            f"{self.accepted} connections accepted, {self.closed} closed, {self.moved} used"
            f" ({self.bytes_sent} bytes sent, {self.bytes_received} received,"
            f" {self.bytes_withheld} withheld)"
        )


NOTHING = LinkActivity(0, 0, 0, 0, 0, 0, 0, 0, 0)


class LinkMeter:
    """Compares a link's connections, accepts and connects with those at `begin`."""

    def __init__(self, site: Site, link: Link) -> None:
        self._site = site
        self._link = link
        self._laid = site.laid(link)
        self._before: dict[int, TcpConnection] | None = None
        self._answered: dict[int, int] = {}
        self._log_mark = 0
        self._calls_mark = 0

    async def begin(self) -> None:
        """Take the marks that later readings are compared with."""
        self._log_mark = self._site.toxiproxy.log.size() if self._site.toxiproxy.log else 0
        self._calls_mark = len(self._site.service.syscall_events())
        self._answered = {each.inode: each.bytes_received for each in await self._upstream()}
        self._before = await self._open()

    async def read(self) -> LinkActivity:
        """What has happened since `begin`; nothing before it."""
        if self._before is None:
            return NOTHING
        now = await self._open()
        both = self._before.keys() & now.keys()
        sent = {inode: now[inode].bytes_sent - self._before[inode].bytes_sent for inode in both}
        received = {inode: now[inode].bytes_received - self._before[inode].bytes_received for inode in both}
        new = now.keys() - self._before.keys()
        bytes_received = sum(received.values()) + sum(now[inode].bytes_received for inode in new)
        upstream = await self._upstream()
        bytes_answered = sum(each.bytes_received - self._answered.get(each.inode, 0) for each in upstream)
        alive = self._site.service.pids()
        gone = [inode for inode, each in self._before.items() if inode not in now and each.pid in alive]
        return LinkActivity(
            dialled=self._dialled(),
            accepted=len(self._site.toxiproxy.accepted(self._laid.proxy, self._log_mark)),
            opened=len(new),
            closed=len(gone),
            left=sum(1 for each in upstream if each.state is TcpState.CLOSE_WAIT),
            moved=sum(1 for inode in both if sent[inode] or received[inode]),
            bytes_sent=sum(sent.values()) + sum(now[inode].bytes_sent for inode in new),
            bytes_received=bytes_received,
            bytes_withheld=max(0, bytes_answered - bytes_received),
        )

    async def end(self) -> LinkActivity:
        """The last reading; later ones give nothing, so that healing twice adds no evidence."""
        activity = await self.read()
        self._before = None
        return activity

    async def _open(self) -> dict[int, TcpConnection]:
        found = await self._site.connections(self._link)
        return {connection.inode: connection for connection in found if connection.state is TcpState.ESTABLISHED}

    async def _upstream(self) -> Sequence[TcpConnection]:
        """Toxiproxy's own connections to the server."""
        return await self._site.upstream_connections(self._link)

    def _dialled(self) -> int:
        calls = self._site.service.syscall_events()[self._calls_mark :]
        return sum(1 for call in calls if call.port == self._laid.port and call.answer is None)
