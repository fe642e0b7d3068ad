"""What happened on a link while a fault was in force, by the word of those who carried it.

Of a connection that is open the kernel has counted the bytes; of one that has ended the relay has, and
it knows who ended it and whether an answer was due. So a connection that came and went in between is
known too, and one that another fault cut is not taken for one that felt this one. Where the service speaks
TLS the relay counts those of open connections, too: the kernel counts records and handshakes with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.faults.site import Site
from harness.relay import Ended, Report
from harness.relay.reports import EndedBy
from harness.stack.sockets import TcpConnection, TcpState
from harness.vocabulary import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """One of the service's connections over a span of time. Bytes are those of that time alone."""

    bytes_sent: int
    bytes_received: int
    ended_by: EndedBy | None = None
    """None: it is open."""
    answer_due: bool = True
    """Whether what it sent was still to be answered, as far as is known."""

    @property
    def moved(self) -> bool:
        """Whether it was asked or answered anything, or service or server ended it while an answer was due.

        A last word before a close is none of these.
        """
        return self.bytes_received > 0 or (self.answer_due and (self.bytes_sent > 0 or self.closed_by_a_peer))

    @property
    def closed_by_server(self) -> bool:
        """Whether its end came from the server's side, Toxiproxy included."""
        return self.ended_by in ("server", "reset by server")

    @property
    def closed_by_a_peer(self) -> bool:
        """Whether service or server ended it, and no other fault did."""
        return self.closed_by_server or self.ended_by in ("service", "reset by service")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkActivity:
    """The service's own traffic on one link over a span of time."""

    dialled: int
    """connect() calls to it that the kernel was left to answer; 0 where calls are not watched."""
    accepted: int
    """Connections that Toxiproxy accepted on it: the relay makes one for each of the service's."""
    left: int
    """Connections of Toxiproxy's that the server has closed and Toxiproxy has not."""
    connections: tuple[Used, ...]
    """Those that are open, and those that have ended in this time."""
    bytes_withheld: int
    """What the server sent to Toxiproxy and the relay has not received: dropped, or still held back."""

    @property
    def refused(self) -> int:
        """Connects that nobody accepted."""
        return max(0, self.dialled - self.accepted)

    @property
    def touched(self) -> int:
        """Connections on which something was asked or answered, or left without its answer."""
        return sum(1 for each in self.connections if each.moved) + int(self.bytes_withheld > 0)

    def __str__(self) -> str:
        """For a line of evidence."""
        used = [each for each in self.connections if each.moved]
        ended = sum(1 for each in self.connections if each.closed_by_a_peer)
        sent, received = sum(each.bytes_sent for each in used), sum(each.bytes_received for each in used)
        return (
            f"{len(used)} connections used ({sent} bytes sent, {received} received,"
            f" {self.bytes_withheld} withheld), {ended} ended"
        )


NOTHING = LinkActivity(dialled=0, accepted=0, left=0, connections=(), bytes_withheld=0)


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

    async def begin(self) -> None:
        """Take the marks that later readings are compared with."""
        self._log_mark = self._site.toxiproxy.log.size() if self._site.toxiproxy.log else 0
        self._calls_mark = len(self._site.service.syscall_events())
        self._answered = _received(await self._upstream())
        self._relayed = _received(await self._site.relayed_connections(self._link))
        self._said = await self._site.relay.traffic(self._laid.hop)
        self._leave = self._site.relay.on_report(self._heard)
        self._before = await self._open()

    def _heard(self, report: Report) -> None:
        if isinstance(report, Ended) and report.hop == self._laid.hop:
            self._ended.append(report)

    async def read(self) -> LinkActivity:
        """What has happened since `begin`; nothing before it."""
        if self._before is None:
            return NOTHING
        still_open = None if self._laid.tls else self._still_open(self._before, await self._open())
        upstream = await self._upstream()
        answered = _since(self._answered, upstream)
        relayed = _since(self._relayed, await self._site.relayed_connections(self._link))
        said = await self._site.relay.traffic(self._laid.hop)
        return LinkActivity(
            dialled=self._dialled(),
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
        """Those that are open, by the relay's count. A port whose connection has ended belongs to a new one."""
        gone = {report.service_port for report in self._ended}
        for port, (sent, answered) in said.items():
            before = (0, 0) if port in gone else self._said.get(port, (0, 0))
            yield Used(bytes_sent=sent - before[0], bytes_received=answered - before[1])

    def _gone(self) -> Iterator[Used]:
        """Those that the relay says have ended; one that was there before had moved bytes before."""
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
        """The last reading; later ones give nothing, so that healing twice adds no evidence."""
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


def _received(connections: Sequence[TcpConnection]) -> dict[int, int]:
    return {each.inode: each.bytes_received for each in connections}


def _since(before: Mapping[int, int], connections: Sequence[TcpConnection]) -> int:
    """Bytes that these connections have received since then."""
    return sum(each.bytes_received - before.get(each.inode, 0) for each in connections)
