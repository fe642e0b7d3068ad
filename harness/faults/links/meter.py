"""What happened on a link while a fault was in force, as the kernel and the relay counted it.

The kernel counts the bytes of an open connection. The relay counts the bytes of an ended connection, and knows which
side ended it and whether an answer was due. So a connection that began and ended in between is counted, too, and one
that another fault cut is not mistaken for one that this fault affected. If the service speaks TLS, the relay's counts
are used for open connections, too, because the kernel's include TLS records and handshakes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.faults.site import Site
from harness.relay import Ended, Report
from harness.relay.control.reports import EndedBy
from harness.stack.tcp.sockets import TcpConnection, TcpState
from harness.vocabulary import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """One of the service's connections during a span of time. Only bytes of that time count."""

    bytes_sent: int
    bytes_received: int
    ended_by: EndedBy | None = None
    """Which side ended it; None: it is open."""
    answer_due: bool = True
    """Whether an answer to its last request is known to be missing."""

    @property
    def moved(self) -> bool:
        """Whether it carried a request or an answer, or the service or server ended it while an answer was due.

        A farewell before a close does not count.
        """
        return self.bytes_received > 0 or (self.answer_due and (self.bytes_sent > 0 or self.closed_by_a_peer))

    @property
    def closed_by_server(self) -> bool:
        """Whether the server's side, Toxiproxy included, ended it."""
        return self.ended_by in ("server", "reset by server")

    @property
    def closed_by_a_peer(self) -> bool:
        """Whether the service or the server ended it, rather than another fault."""
        return self.closed_by_server or self.ended_by in ("service", "reset by service")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkActivity:
    """The service's own traffic on one link during a span of time."""

    dialled: int
    """connect() calls that the kernel itself answered; 0 if calls are not watched."""
    turned_away: int | None
    """Connects of which the kernel's refusal was seen; None where nothing sees these."""
    accepted: int
    """Connections that Toxiproxy accepted on it: the relay makes one for each of the service's."""
    left: int
    """Connections to the server that the server has closed and Toxiproxy has not."""
    connections: tuple[Used, ...]
    """The open connections, and the ones that have ended in this time."""
    bytes_withheld: int
    """What the server sent to Toxiproxy and the relay has not received: dropped, or still held back."""

    @property
    def refused(self) -> int:
        """Connects that were not accepted."""
        return max(0, self.dialled - self.accepted) if self.turned_away is None else self.turned_away

    @property
    def touched(self) -> int:
        """Connections that carried a request or an answer, or lack an answer that is due."""
        return sum(1 for each in self.connections if each.moved) + int(self.bytes_withheld > 0)

    def __str__(self) -> str:
        """The figures, for a line of evidence."""
        used = [each for each in self.connections if each.moved]
        ended = sum(1 for each in self.connections if each.closed_by_a_peer)
        sent, received = sum(each.bytes_sent for each in used), sum(each.bytes_received for each in used)
        return (
            f"{len(used)} connections used ({sent} bytes sent, {received} received,"
            f" {self.bytes_withheld} withheld), {ended} ended"
        )


NOTHING = LinkActivity(dialled=0, turned_away=None, accepted=0, left=0, connections=(), bytes_withheld=0)


class LinkMeter:
    """Compares a link's connections, accepts and connects with those at `begin`."""

    def __init__(self, site: Site, link: Link) -> None:
        self._site = site
        self._link = link
        self._laid = site.laid(link)
        self._before: dict[int, TcpConnection] | None = None
        self._ended: list[Ended] = []
        self._leave: Callable[[], None] = lambda: None
        self._said: Mapping[int, tuple[int, int]] = {}
        self._answered: dict[int, int] = {}
        self._relayed: dict[int, int] = {}
        self._log_mark = 0
        self._calls_mark = 0
        self._refused_before = 0

    async def begin(self) -> None:
        """Remember the counts that later readings are compared with."""
        self._log_mark = self._site.toxiproxy.log.size() if self._site.toxiproxy.log else 0
        self._calls_mark = len(self._site.service.syscall_events())
        self._refused_before = self._site.service.refusals(self._laid.port) or 0
        self._answered = _received(await self._upstream())
        self._relayed = _received(await self._site.relayed_connections(self._link))
        self._said = await self._site.relay.traffic(self._laid.hop)
        self._leave = self._site.relay.on_report(self._heard)
        self._before = await self._open()

    def _heard(self, report: Report) -> None:
        if isinstance(report, Ended) and report.hop == self._laid.hop:
            self._ended.append(report)

    async def read(self) -> LinkActivity:
        """What has happened since `begin`; before it, nothing."""
        if self._before is None:
            return NOTHING
        still_open = None if self._laid.tls else self._still_open(self._before, await self._open())
        upstream = await self._upstream()
        answered = _since(self._answered, upstream)
        relayed = _since(self._relayed, await self._site.relayed_connections(self._link))
        said = await self._site.relay.traffic(self._laid.hop)
        return LinkActivity(
            dialled=self._dialled(),
            turned_away=self._turned_away(),
            accepted=len(self._site.toxiproxy.accepted(self._laid.proxy, self._log_mark)),
            left=sum(1 for each in upstream if each.state is TcpState.CLOSE_WAIT),
            connections=(*(self._still_speaking(said) if still_open is None else still_open), *self._gone()),
            bytes_withheld=max(0, answered - relayed),
        )

    def _still_open(self, before: Mapping[int, TcpConnection], now: Mapping[int, TcpConnection]) -> Iterator[Used]:
        gone = {report.service_port for report in self._ended}
        for inode, each in now.items():
            known = before.get(inode)
            if known is not None and each.local.port in gone:
                continue
            yield Used(
                bytes_sent=each.bytes_sent - (known.bytes_sent if known else 0),
                bytes_received=each.bytes_received - (known.bytes_received if known else 0),
            )

    def _still_speaking(self, said: Mapping[int, tuple[int, int]]) -> Iterator[Used]:
        """The open connections, by the relay's count. A port whose connection has ended belongs to a new one."""
        gone = {report.service_port for report in self._ended}
        for port, (sent, answered) in said.items():
            before = (0, 0) if port in gone else self._said.get(port, (0, 0))
            yield Used(bytes_sent=sent - before[0], bytes_received=answered - before[1])

    def _gone(self) -> Iterator[Used]:
        """The connections that have ended, by the relay's reports, less the bytes that they had moved before."""
        earlier = dict(self._said)
        for report in self._ended:
            sent, answered = earlier.pop(report.service_port, (0, 0))
            yield Used(
                bytes_sent=report.sent_bytes - sent,
                bytes_received=report.answered_bytes - answered,
                ended_by=report.by,
                answer_due=report.direction_due == "answered",
            )

    async def end(self) -> LinkActivity:
        """Take the last reading. Later ones are empty, so that healing twice adds no evidence."""
        activity = await self.read()
        self._before = None
        self._leave()
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

    def _turned_away(self) -> int | None:
        refused = self._site.service.refusals(self._laid.port)
        return None if refused is None else refused - self._refused_before


def _received(connections: Sequence[TcpConnection]) -> dict[int, int]:
    return {each.inode: each.bytes_received for each in connections}


def _since(before: Mapping[int, int], connections: Sequence[TcpConnection]) -> int:
    """Bytes that these connections have received since then."""
    return sum(each.bytes_received - before.get(each.inode, 0) for each in connections)
