"""What the relay asks of its sockets: no delay, and no more than it can pass on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from harness.polling import poll_async
from harness.relay import Direction, Hold, Match, Rule
from harness.relay.connection.pair import Pair
from harness.relay.connection.side import HIGH_WATER_BYTES, Side
from tests.relay.clients import WITHIN_S, hand_made
from tests.relay.in_process import laid_inside, on_the_relays_loop

PING = b"PING\r\n"
MB = 1 << 20
PART = b"$1048566\r\n" + b"x" * 1048566 + b"\r\n"
PARTS = 64  # far more than the kernel keeps for two sockets


def test_no_socket_of_a_hop_keeps_small_messages_back() -> None:
    """Nagle's algorithm would, until the message before is acknowledged: TCP_NODELAY switches it off."""

    async def play() -> list[int]:
        async with hand_made() as bench, laid_inside(bench.address) as inside:
            service, server = await bench.connected(inside.port), await bench.accepted()
            await service.sends(PING)
            await server.gets(len(PING))
            return [nodelay(side) for side in (inside.pair.service, inside.pair.server)]

    assert on_the_relays_loop(play()) == [1, 1]


def nodelay(side: Side) -> int:
    return int(side.transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))


@pytest.mark.parametrize("rule", [None, Hold()])
@pytest.mark.parametrize("direction", ["sent", "answered"])
def test_who_does_not_read_fills_no_memory(direction: Direction, rule: Hold | None) -> None:
    """The relay reads no more, and keeps little; all of it arrives once it may."""

    async def play() -> None:
        async with hand_made() as bench, laid_inside(bench.address) as inside:
            if rule is not None:
                match = Match(direction=direction, message="BulkString" if direction == "answered" else "SET")
                inside.hop.arm(Rule(id="held", hop="hop", match=match, action=rule))
            service, server = await bench.connected(inside.port), await bench.accepted()
            await service.sends(PING)
            await server.gets(len(PING))
            source, sink = (service, server) if direction == "sent" else (server, service)
            part = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n" + PART if direction == "sent" else PART
            sending = asyncio.create_task(source.sends(part * PARTS))
            pair = inside.pair

            assert await poll_async(stopped_reading(pair, direction, sending), within_s=WITHIN_S)

            assert not sending.done()
            assert kept(pair, direction) <= 2 * HIGH_WATER_BYTES
            if rule is not None:
                assert kept(pair, direction) > HIGH_WATER_BYTES
                assert inside.hop.release("held", connection=None, count=None) == 1
            assert len(await sink.gets(len(part) * PARTS)) == len(part) * PARTS
            await sending
            assert kept(pair, direction) == 0

    on_the_relays_loop(play())


def stopped_reading(pair: Pair, direction: Direction, sending: asyncio.Task[None]) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return sending.done() or not pair.sources[direction].transport.is_reading()

    return look


def kept(pair: Pair, direction: Direction) -> int:
    """All that has come and has not gone to the kernel."""
    assert pair.engine is not None
    return int(pair.engine.queued_bytes(direction) + pair.destinations[direction].transport.get_write_buffer_size())
