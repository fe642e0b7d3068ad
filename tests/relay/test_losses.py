"""The relay's kernel loses segments: to the peer's own TCP that is a line that is dead, or bad."""

from __future__ import annotations

import asyncio
import errno
import itertools
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress

import pytest

from harness.errors import UsageError
from harness.polling import poll_async
from harness.processes.socket_filter import filters_available
from harness.relay import Hold, Loss, Lost, RelayControl, RelayServer, Way
from harness.relay.hop.losses import ALL
from tests.relay.clients import WITHIN_S, HandMade, Laid, Peer, hand_made, laid_to

PING = b"PING\r\n"
PONG = b"+PONG\r\n"


class Bench:
    """A connection through a hop, with a service and a server at its ends."""

    def __init__(self, hand: HandMade, laid: Laid, service: Peer, server: Peer) -> None:
        self.hand = hand
        self.laid = laid
        self.service = service
        self.server = server

    @property
    def control(self) -> RelayControl:
        return self.laid.control

    @property
    def port(self) -> int:
        return int(self.service.bare.getsockname()[1])

    async def lose(self, **what: object) -> None:
        await self.control.lose("hop", "loss", Loss(**what))  # type: ignore[arg-type]  # the fields differ in type

    async def lost(self) -> Lost:
        return await self.control.lost("hop", "loss")

    async def restore(self, *gone: int) -> Lost:
        return await self.control.restore("hop", "loss", gone=gone)

    async def until_lost(self) -> None:
        async def some() -> bool:
            return (await self.lost()).struck > 0

        assert await poll_async(some, within_s=WITHIN_S)

    async def passes(self) -> None:
        await self.service.sends(PING)
        assert await self.server.gets(len(PING)) == PING
        await self.server.sends(PONG)
        assert await self.service.gets(len(PONG)) == PONG


def on(relay: RelayServer, play: Callable[[Bench], Awaitable[None]]) -> None:
    async def run() -> None:
        async with AsyncExitStack() as stack:
            hand = await stack.enter_async_context(hand_made())
            laid = await stack.enter_async_context(laid_to(relay, "redis", hand.address))
            service = await hand.connected(laid.hop.port)
            bench = Bench(hand, laid, service, await hand.accepted())
            await bench.passes()  # the relay has both sockets
            await play(bench)

    asyncio.run(run())


def nothing_to_read(peer: Peer) -> bool:
    try:
        return peer.bare.recv(1, socket.MSG_PEEK) is None
    except BlockingIOError:
        return True


@pytest.mark.parametrize("way", ["both", "sent"])
def test_what_the_service_sends_over_a_dead_line_arrives_when_it_is_mended(relay: RelayServer, way: Way) -> None:
    async def play(bench: Bench) -> None:
        await bench.lose(way=way)
        await bench.service.sends(PING)
        await bench.until_lost()
        assert nothing_to_read(bench.server)
        lost = await bench.restore()
        assert lost.connections[bench.port][0] >= 1
        assert str(lost).endswith(f" sent by the service, on the service's ports {bench.port}")
        assert await bench.server.gets(len(PING)) == PING
        await bench.passes()

    on(relay, play)


@pytest.mark.parametrize("way", ["both", "answered"])
def test_so_does_what_the_server_answers(relay: RelayServer, way: Way) -> None:
    async def play(bench: Bench) -> None:
        await bench.lose(way=way)
        await bench.server.sends(PONG)
        await bench.until_lost()
        assert nothing_to_read(bench.service)
        lost = await bench.restore()
        assert lost.connections[bench.port][0] == 0
        assert lost.connections[bench.port][1] >= 1
        assert await bench.service.gets(len(PONG)) == PONG

    on(relay, play)


def test_one_way_only_the_other_goes_on(relay: RelayServer) -> None:
    async def play(bench: Bench) -> None:
        await bench.lose(way="sent")
        await bench.server.sends(PONG)
        assert await bench.service.gets(len(PONG)) == PONG

    on(relay, play)


@pytest.mark.parametrize("way", ["user_timeout", "keepalive"])
def test_the_services_own_tcp_notices_a_dead_line(relay: RelayServer, way: str) -> None:
    """What a relay only swallows is acknowledged: neither would notice."""

    async def play(bench: Bench) -> None:
        bare, port = bench.service.bare, bench.port
        bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1_000)
        if way == "keepalive":
            bare.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
            bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
        await bench.lose()
        if way == "user_timeout":
            await bench.service.sends(PING)
        with pytest.raises(OSError, match="timed out") as caught:
            await bench.service.gets(1)
        assert caught.value.errno == errno.ETIMEDOUT
        lost = await bench.restore(port)  # the service's socket is gone: the relay closes the rest of it
        assert lost.connections
        assert await bench.server.gets(1) == b""

    on(relay, play)


def test_only_the_connection_is_dead_on_which_a_rule_holds_something(relay: RelayServer) -> None:
    async def play(bench: Bench) -> None:
        other = await bench.hand.connected(bench.laid.hop.port)
        await Bench(bench.hand, bench.laid, other, second := await bench.hand.accepted()).passes()
        rule = await bench.laid.arm(Hold(), text="PING")
        await bench.service.sends(PING)
        await bench.laid.fired(rule)
        await bench.lose(new=False, held=True)
        await bench.control.disarm(rule)
        assert await bench.server.gets(len(PING)) == PING, "the message itself has passed"
        await bench.server.sends(PONG)
        await bench.until_lost()
        await Bench(bench.hand, bench.laid, other, second).passes()
        assert (await bench.restore()).connections.keys() == {bench.port}
        assert await bench.service.gets(len(PONG)) == PONG

    on(relay, play)


def test_a_lost_syn_lets_a_connect_hang_until_it_is_mended(relay: RelayServer) -> None:
    async def play(bench: Bench) -> None:
        await bench.lose(open=False)
        connecting = asyncio.create_task(bench.hand.connected(bench.laid.hop.port))
        await bench.until_lost()
        assert not connecting.done()
        await bench.passes()
        lost = await bench.restore()
        assert lost.connects >= 1
        assert lost.connections == {}
        late = await connecting
        server = await bench.hand.accepted()
        await late.sends(PING)
        assert await server.gets(len(PING)) == PING

    on(relay, play)


def test_the_listener_loses_what_it_lost_after_it_refused_in_between(relay: RelayServer) -> None:
    async def play(bench: Bench) -> None:
        await bench.lose(open=False)
        for _ in range(2):
            before = (await bench.lost()).connects
            connecting = asyncio.create_task(bench.hand.connected(bench.laid.hop.port))

            async def more(before: int = before) -> bool:
                return (await bench.lost()).connects > before

            assert await poll_async(more, within_s=WITHIN_S)
            connecting.cancel()
            await bench.control.refuse("hop", True)
            with pytest.raises(ConnectionRefusedError):
                await bench.hand.connected(bench.laid.hop.port)
            await bench.control.refuse("hop", False)
        assert (await bench.restore()).connects >= 2

    on(relay, play)


def test_of_a_share_everything_arrives_at_last_on_old_and_new_connections(relay: RelayServer) -> None:
    async def play(bench: Bench) -> None:
        # At 50 % one exchange in a hundred is lost seven times in a row, and the kernel then waits for 25 s.
        await bench.lose(percent=20)
        new = await bench.hand.connected(bench.laid.hop.port)
        second = Bench(bench.hand, bench.laid, new, await bench.hand.accepted())
        lost = await bench.lost()
        for each in (bench, second):
            while not any(lost.connections.get(each.port, (0, 0))):
                await each.passes()
                lost = await bench.lost()
        ended = await bench.restore()
        for each in (bench, second):
            await each.passes()
        assert await bench.lost() == ended

    on(relay, play)


def test_a_share_may_have_taken_the_last_word_of_a_connection(relay: RelayServer) -> None:
    """A reset is sent once. The server has a connection then that nobody else has."""

    async def play(bench: Bench) -> None:
        port = bench.port
        await bench.lose(percent=90)
        bench.service.resets()
        await bench.restore(port)
        with suppress(ConnectionResetError):  # one reset in ten was not lost
            assert await bench.server.gets(1) == b""

    on(relay, play)


def test_a_line_may_be_dead_and_bad_at_once(relay: RelayServer) -> None:
    async def play(bench: Bench) -> None:
        await bench.control.lose("hop", "bad", Loss(percent=1))
        await bench.lose()
        await bench.control.restore("hop", "bad", gone=())
        await bench.service.sends(PING)
        await bench.until_lost()
        assert nothing_to_read(bench.server)
        await bench.restore()
        assert await bench.server.gets(len(PING)) == PING

    on(relay, play)


def test_a_forgotten_connection_is_closed_to_the_server_only_and_new_ones_work(relay: RelayServer) -> None:
    async def play(bench: Bench) -> None:
        await bench.lose(way="sent", new=False, forgets=True)
        assert await bench.server.gets(1) == b""
        await bench.service.sends(PING)
        await bench.until_lost()
        assert nothing_to_read(bench.service)
        new = await bench.hand.connected(bench.laid.hop.port)
        await Bench(bench.hand, bench.laid, new, await bench.hand.accepted()).passes()
        lost = await bench.restore()
        assert lost.connections.keys() == {bench.port}
        assert lost.waiting == 0
        with pytest.raises(ConnectionResetError):
            await bench.service.gets(1)

    on(relay, play)


def test_an_answer_that_was_due_is_lost_with_the_connection(relay: RelayServer) -> None:
    async def play(bench: Bench) -> None:
        await bench.service.sends(PING)
        assert await bench.server.gets(len(PING)) == PING
        await bench.lose(way="sent", new=False, forgets=True)
        assert (await bench.lost()).waiting == (await bench.lost()).struck == 1

    on(relay, play)


@pytest.mark.parametrize("way", ["silent", "keepalive"])
def test_an_idle_connection_is_forgotten_unless_keepalive_is_heard(relay: RelayServer, way: str) -> None:
    """Another connection carries something all the time, and is kept in any case."""

    async def play(bench: Bench) -> None:
        busy_service = await bench.hand.connected(bench.laid.hop.port)
        busy = Bench(bench.hand, bench.laid, busy_service, await bench.hand.accepted())
        await bench.passes()
        if way == "keepalive":
            bare = bench.service.bare
            bare.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
            bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
        await bench.lose(way="sent", new=False, forgets=True, idle_s=2.0)
        closing = asyncio.create_task(bench.server.gets(1))
        looks = itertools.count() if way == "silent" else range(30)
        async with asyncio.timeout(WITHIN_S):
            for _ in looks:
                await busy.passes()
                await asyncio.wait([closing], timeout=0.1)
                if closing.done():
                    break
        assert closing.done() == (way == "silent")
        await busy.passes()
        if way == "keepalive":
            closing.cancel()
            await bench.service.sends(PING)
            assert await bench.server.gets(len(PING)) == PING
        lost = await bench.restore()
        assert lost.struck == 0

    on(relay, play)


def test_a_loss_that_ended_is_counted_no_further_and_has_its_name_for_good(relay: RelayServer) -> None:
    async def play(bench: Bench) -> None:
        await bench.lose(percent=ALL)
        assert await bench.restore() == await bench.restore() == await bench.lost()
        assert (await bench.lost()).struck == 0
        await bench.passes()
        with pytest.raises(UsageError, match="another loss has this id"):
            await bench.lose()
        with pytest.raises(UsageError, match="no such loss was begun"):
            await bench.control.lost("hop", "los")

    on(relay, play)


def test_who_may_not_set_filters_is_told_what_to_do() -> None:
    """In a user namespace of one's own there is no right over the network outside of it; with a network there is."""
    program = "from harness.processes.socket_filter import filters_available as found; print(found())"
    said = {
        also: subprocess.run(
            ["unshare", "--user", "--map-root-user", *also, sys.executable, "-c", program],
            capture_output=True, text=True, check=True,
        ).stdout
        for also in ((), ("--net",))
    }  # fmt: skip
    assert "available=False" in said[()]
    assert "a TCP socket takes no filter: Operation not permitted (EPERM)" in said[()]
    assert "run it as root, or in a network of its own" in said[()]
    assert "available=True" in said["--net",]
    assert filters_available().available


def test_what_is_too_large_gets_lost_and_passes_later(relay: RelayServer) -> None:
    async def play(bench: Bench) -> None:
        await bench.lose(above_bytes=400)
        await bench.passes()
        large = b"SET a " + b"x" * 1_000 + b"\r\n"
        await bench.service.sends(large)
        await bench.until_lost()
        assert nothing_to_read(bench.server)
        lost = await bench.restore()
        assert await bench.server.gets(len(large)) == large
        assert (lost.connects, [sent > 0 for sent, _ in lost.connections.values()]) == (0, [True])

    on(relay, play)
