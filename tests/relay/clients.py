"""Real clients, through a hop of the relay, to real servers; and bare sockets to a server made by hand."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from harness.addresses import HostPort
from harness.protocols.postgres.server import PostgresServer
from harness.protocols.redis.server import RedisServer
from harness.relay import (
    Action,
    Direction,
    Ended,
    Fired,
    Hop,
    Match,
    Passed,
    RelayControl,
    RelayServer,
    Report,
    Rule,
    TlsMode,
)
from harness.stack import Stack

WITHIN_S = 20.0


@dataclass
class Laid:
    """A hop with its control connection."""

    control: RelayControl
    hop: Hop
    stack: Stack | None = None
    rules: int = 0
    clients: list[Any] = field(default_factory=list)

    async def arm(self, action: Action, direction: Direction = "sent", text: str = "", **more: Any) -> str:
        self.rules += 1
        always, rule_id = more.pop("always", False), more.pop("rule_id", f"rule{self.rules}")
        match = Match(direction=direction, text=text, **more)
        await self.control.arm(Rule(id=rule_id, hop=self.hop.name, match=match, action=action, always=always))
        return str(rule_id)

    async def fired(self, rule: str) -> Fired:
        """Wait for the firing of a rule."""
        report = await self.report(lambda report: isinstance(report, Fired) and report.rule == rule)
        assert isinstance(report, Fired)
        return report

    async def passed(self, rule: str) -> Passed:
        report = await self.report(lambda report: isinstance(report, Passed) and report.rule == rule)
        assert isinstance(report, Passed)
        return report

    async def ended(self) -> Ended:
        report = await self.report(lambda report: isinstance(report, Ended))
        assert isinstance(report, Ended)
        return report

    async def report(self, wanted: Callable[[Report], bool]) -> Report:
        return await self.control.next_report(wanted, WITHIN_S, since=0)

    async def postgres(self, *, ssl: Any = "prefer", **more: Any) -> asyncpg.Connection:
        assert self.stack is not None
        server = self.stack.of(PostgresServer)
        url = server.url().replace(f":{server.port}", f":{self.hop.port}")
        connection = await asyncpg.connect(url, ssl=ssl, timeout=WITHIN_S, command_timeout=WITHIN_S, **more)
        self.clients.append(connection)
        return connection

    def redis(self, protocol: int = 3, timeout_s: float = WITHIN_S) -> Redis:
        client = Redis(
            host="127.0.0.1", port=self.hop.port, protocol=protocol, single_connection_client=True,
            socket_timeout=timeout_s, retry=Retry(NoBackoff(), 0),
        )  # fmt: skip
        self.clients.append(client)
        return client

    async def close(self) -> None:
        for client in self.clients:
            if isinstance(client, Redis):
                await client.aclose()
            else:
                client.terminate()


@asynccontextmanager
async def laid(
    relay: RelayServer, protocol: Any, stack: Stack, *, upstream: HostPort | None = None, tls: TlsMode = "none"
) -> AsyncIterator[Laid]:
    """Lay a hop to one of the stack's servers, or to `upstream` in front of it."""
    server = stack.of(PostgresServer) if protocol == "postgres" else stack.of(RedisServer)
    async with laid_to(relay, protocol, upstream or HostPort(server.host, server.port), tls=tls) as bed:
        bed.stack = stack
        yield bed


@asynccontextmanager
async def laid_to(
    relay: RelayServer, protocol: Any, upstream: HostPort, *, tls: TlsMode = "none"
) -> AsyncIterator[Laid]:
    async with relay.control() as control:
        bed = Laid(control, await control.lay("hop", protocol=protocol, upstream=upstream, tls=tls))
        try:
            yield bed
        finally:
            await bed.close()
            if tls != "none":
                await control.cut_all("hop")  # a client that was cut need not have ended its TLS


class Peer:
    """A connection's bare socket, on either side of the relay."""

    def __init__(self, bare: socket.socket) -> None:
        bare.setblocking(False)
        self.bare = bare
        self.loop = asyncio.get_running_loop()

    async def sends(self, data: bytes) -> None:
        async with asyncio.timeout(WITHIN_S):
            await self.loop.sock_sendall(self.bare, data)

    async def gets(self, count: int) -> bytes:
        """Read exactly so many bytes, or fewer where the other side ends."""
        data = bytearray()
        async with asyncio.timeout(WITHIN_S):
            while len(data) < count and (
                chunk := await self.loop.sock_recv(self.bare, min(1 << 20, count - len(data)))
            ):
                data += chunk
        return bytes(data)

    def says_no_more(self) -> None:
        self.bare.shutdown(socket.SHUT_WR)

    def resets(self) -> None:
        self.bare.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.bare.close()


@dataclass
class HandMade:
    """A server that does what the test does."""

    listener: socket.socket
    peers: list[Peer] = field(default_factory=list)

    @property
    def address(self) -> HostPort:
        return HostPort("127.0.0.1", self.listener.getsockname()[1])

    async def accepted(self) -> Peer:
        async with asyncio.timeout(WITHIN_S):
            bare, _ = await asyncio.get_running_loop().sock_accept(self.listener)
        self.peers.append(Peer(bare))
        return self.peers[-1]

    async def connected(self, port: int) -> Peer:
        """Connect a service to a hop."""
        bare = socket.socket()
        self.peers.append(Peer(bare))
        async with asyncio.timeout(WITHIN_S):
            await asyncio.get_running_loop().sock_connect(bare, ("127.0.0.1", port))
        return self.peers[-1]


@asynccontextmanager
async def hand_made() -> AsyncIterator[HandMade]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        server = HandMade(listener)
        try:
            yield server
        finally:
            for peer in server.peers:
                with suppress(OSError):
                    peer.bare.close()
