"""What the kernel knows about a process's TCP connections: the bytes moved, and which side waits.

Toxiproxy counts a connection's bytes only when it ends, and no server reports whether its client is waiting. The kernel
counts both sides of every socket all the time, and reports them to any user (sock_diag(7)). `/proc/PID/fd` shows to
which process a socket belongs. A snapshot costs a few milliseconds: the kernel walks through its
whole table.

Only sockets of this process's network namespace are visible.
"""

from __future__ import annotations

import enum
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.addresses import HostPort
from harness.errors import HarnessError
from harness.stack.tcp import sock_diag as diag

__all__ = [
    "ConnectionCount",
    "Moved",
    "TcpConnection",
    "TcpListener",
    "TcpState",
    "closed_by_clients",
    "connection_counts",
    "connections",
    "half_closed",
    "kept_open",
    "kept_waiting",
    "listening",
    "moved",
    "process_tree",
]


class TcpState(enum.IntEnum):
    """States of a TCP socket, with the kernel's numbers (net/tcp_states.h)."""

    ESTABLISHED = 1
    SYN_SENT = 2
    SYN_RECV = 3
    FIN_WAIT1 = 4
    FIN_WAIT2 = 5
    TIME_WAIT = 6
    CLOSE = 7
    CLOSE_WAIT = 8
    LAST_ACK = 9
    LISTEN = 10
    CLOSING = 11
    NEW_SYN_RECV = 12
    BOUND_INACTIVE = 13


NO_INODE = 0
NO_TIMER = 0
OWNED = diag.ALL_STATES & ~(1 << TcpState.TIME_WAIT)
"""The states of sockets that a process may have."""
HALF_CLOSED = (TcpState.FIN_WAIT1, TcpState.FIN_WAIT2, TcpState.CLOSE_WAIT, TcpState.LAST_ACK, TcpState.CLOSING)


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpConnection:
    """One socket of a process at one moment. Payload bytes only: no headers, no SYN, no FIN.

    `bytes_sent` have left once, acknowledged or not (retransmissions are not counted twice); `bytes_received` have
    arrived in order, read by the process or not. `unsent_bytes` still wait in the socket's buffer, `unread_bytes` have
    not been read by the process. The two times are milliseconds since the last payload went out or came in, in steps of
    the kernel's tick (1 to 10 ms); if there was none yet, since the connection was made.
    """

    pid: int
    local: HostPort
    remote: HostPort
    state: TcpState
    inode: int
    bytes_sent: int
    bytes_received: int
    unsent_bytes: int
    unread_bytes: int
    last_data_sent_ms: int
    last_data_received_ms: int

    @property
    def open(self) -> bool:
        """Whether both sides can still speak."""
        return self.state is TcpState.ESTABLISHED

    @property
    def awaiting_answer(self) -> bool:
        """Whether the process has sent something on this connection and has received nothing since.

        This uses one snapshot, so its resolution is the kernel's tick: if an answer and the next question fall into one
        tick, it looks like the end of an exchange, and this returns False. `moved` between two snapshots has no such
        gap. Bytes that the process has written but that cannot leave yet count as sent.
        """
        if not self.open:
            return False
        if self.unsent_bytes > 0 or self.bytes_received == 0:
            return self.unsent_bytes > 0 or self.bytes_sent > 0
        return self.last_data_sent_ms < self.last_data_received_ms


@dataclass(frozen=True, slots=True)
class Moved:
    """The bytes that went over a set of connections between two snapshots."""

    bytes_sent: int
    bytes_received: int
    opened: tuple[TcpConnection, ...]
    gone: tuple[TcpConnection, ...]

    @property
    def unanswered(self) -> bool:
        """Whether bytes were sent and none have come back."""
        return self.bytes_sent > 0 and self.bytes_received == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpListener:
    """A listening socket: how many connections wait to be accepted, and how many may."""

    local: HostPort
    inode: int
    waiting: int
    backlog: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionCount:
    """Connections to one port at one moment. `connecting`: those whose SYN was not answered yet."""

    open: int
    connecting: int


def connection_counts(ports: Collection[int]) -> Mapping[int, ConnectionCount]:
    """Count all connections to each of these remote ports with one request to the kernel. Ending ones are left out.

    Cheaper than `connections`, which must find out to which process each belongs. Use it for ports that only one
    service connects to.
    """
    found = diag.tcp_sockets(remote_ports=ports, states=1 << TcpState.ESTABLISHED | 1 << TcpState.SYN_SENT)
    seen = Counter((each.remote[1], each.state) for each in found if each.inode)
    return {
        port: ConnectionCount(open=seen[port, TcpState.ESTABLISHED], connecting=seen[port, TcpState.SYN_SENT])
        for port in ports
    }


def without_keepalive(ports: Collection[int]) -> Mapping[int, int]:
    """Count the open connections to each of these remote ports for which the kernel has no timer running.

    TCP keepalive (SO_KEEPALIVE) runs one for as long as a connection is idle. Without it a connection whose line is
    dead stays open for ever if nothing is sent.
    """
    found = diag.tcp_sockets(remote_ports=ports, states=1 << TcpState.ESTABLISHED)
    seen = Counter(each.remote[1] for each in found if each.inode and each.timer == NO_TIMER)
    return {port: seen[port] for port in ports}


def connections(pids: Iterable[int], *ports: int) -> tuple[TcpConnection, ...]:
    """Return the connections to these remote ports of these processes and of all their children.

    A process that has ended has none. Sockets without a process (TIME-WAIT, and those that the kernel is still closing)
    are left out. Raises HarnessError if another user's process may not be examined.
    """
    one = ports[0] if len(ports) == 1 else 0
    found = {each.inode: each for each in diag.tcp_sockets(remote_port=one, remote_ports=ports, states=OWNED)}
    found.pop(NO_INODE, None)
    if not found:
        return ()
    return tuple(_connection(pid, found.pop(inode)) for pid, inode in _sockets_of(pids) if inode in found)


def moved(before: Iterable[TcpConnection], after: Iterable[TcpConnection]) -> Moved:
    """Return the bytes moved between two snapshots. A connection made in between counts from its start.

    If a connection ended after the first snapshot, its bytes since then are unknown, and it is in `gone`.
    """
    old, new = {each.inode: each for each in before}, {each.inode: each for each in after}
    kept = [(old[inode], each) for inode, each in new.items() if inode in old]
    opened = tuple(each for inode, each in new.items() if inode not in old)
    return Moved(
        bytes_sent=sum(b.bytes_sent - a.bytes_sent for a, b in kept) + sum(each.bytes_sent for each in opened),
        bytes_received=sum(b.bytes_received - a.bytes_received for a, b in kept)
        + sum(each.bytes_received for each in opened),
        opened=opened,
        gone=tuple(each for inode, each in old.items() if inode not in new),
    )


def listening(port: int, *, pids: Iterable[int] | None = None) -> tuple[TcpListener, ...]:
    """Return the listeners on local port `port`; with `pids`, only those of these processes' trees."""
    found = diag.tcp_sockets(local_port=port, states=1 << diag.LISTEN)
    if pids is not None and found:
        inodes = {inode for _pid, inode in _sockets_of(pids)}
        found = [each for each in found if each.inode in inodes]
    return tuple(
        TcpListener(local=HostPort(*each.local), inode=each.inode, waiting=each.rqueue, backlog=each.wqueue)
        for each in found
    )


def kept_waiting(port: int, *, besides: Collection[int] = ()) -> int:
    """Count the clients that wait for a server on this port: connections to be accepted, open, or with bytes unread.

    `besides`: ports of clients that are not counted.
    """
    # Connections that wait to be accepted are included, even if their client has gone.
    return sum(
        1
        for each in diag.tcp_sockets(local_port=port)
        if each.state != TcpState.LISTEN
        and (each.state == TcpState.ESTABLISHED or each.rqueue > 0)
        and each.remote[1] not in besides
    )


def closed_by_clients(port: int) -> frozenset[int]:
    """Return the ports of clients that have closed their connection while a server on this port still holds its end."""
    return frozenset(each.remote[1] for each in diag.tcp_sockets(local_port=port, states=1 << TcpState.CLOSE_WAIT))


def half_closed(port: int) -> int:
    """Count the connections that one side has closed while a server on this port still holds its end."""
    states = sum(1 << state for state in HALF_CLOSED)
    return sum(1 for each in diag.tcp_sockets(local_port=port, states=states) if each.inode)


def kept_open(port: int, clients: Collection[int]) -> bool:
    """Whether a server on this port still has its end of a connection from one of these ports."""
    return any(each.inode and each.remote[1] in clients for each in diag.tcp_sockets(local_port=port))


def process_tree(pids: Iterable[int]) -> list[int]:
    """Return these processes and all their living descendants, each once; the dead are left out."""
    tree: dict[int, None] = {}
    waiting = list(pids)
    while waiting:
        pid = waiting.pop()
        if pid not in tree and Path(f"/proc/{pid}").exists():
            tree[pid] = None
            waiting.extend(_children(pid))
    return list(tree)


def _children(pid: int) -> Iterator[int]:
    # Each thread lists the children that it made itself.
    for task in _entries(f"/proc/{pid}/task"):
        try:
            text = Path(f"/proc/{pid}/task/{task}/children").read_text(encoding="ascii")
        except (FileNotFoundError, ProcessLookupError):  # the thread has ended since
            continue
        yield from map(int, text.split())


def _sockets_of(pids: Iterable[int]) -> Iterator[tuple[int, int]]:
    for pid in process_tree(pids):
        for descriptor in _entries(f"/proc/{pid}/fd"):
            target = _link(f"/proc/{pid}/fd/{descriptor}")
            if target.startswith("socket:["):
                yield pid, int(target[8:-1])


def _entries(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - a Path for each descriptor would double a snapshot's cost
    except (FileNotFoundError, ProcessLookupError):  # the process has ended since
        return []
    except PermissionError as error:
        if is_ending(folder):
            return []
        raise _closed(folder) from error


def _link(path: str) -> str:
    try:
        return os.readlink(path)  # noqa: PTH115 - as above
    except (FileNotFoundError, ProcessLookupError):  # closed in between
        return ""
    except PermissionError as error:
        if is_ending(path):
            return ""
        raise _closed(path) from error


def is_ending(path: str) -> bool:
    """Whether the process has released its memory. After that only root can see its descriptors in /proc."""
    try:
        return Path(*Path(path).parts[:3], "statm").read_text(encoding="ascii").startswith("0 ")
    except (FileNotFoundError, ProcessLookupError):
        return True


def _closed(path: str) -> HarnessError:
    hint = "run the harness as the user whose process it is; a hardened /proc or ptrace scope may forbid it too"
    return HarnessError(f"may not look into {path}: permission denied", hint=hint)


def _connection(pid: int, raw: diag.RawSocket) -> TcpConnection:
    return TcpConnection(
        pid=pid,
        local=HostPort(*raw.local),
        remote=HostPort(*raw.remote),
        state=TcpState(raw.state),
        inode=raw.inode,
        bytes_sent=raw.u64(200) - raw.u64(208),
        bytes_received=raw.u64(128),
        unsent_bytes=raw.u32(144),
        unread_bytes=raw.rqueue,
        last_data_sent_ms=raw.u32(44),
        last_data_received_ms=raw.u32(52),
    )
