"""What breaks inside the relay is nobody else's doing, and says so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from harness.polling import poll_async
from harness.relay import Ended
from harness.relay.connection.engine import Engine
from harness.relay.connection.pair import Pair
from harness.relay.hop.hop import HopServer
from tests.relay.clients import WITHIN_S, HandMade, Peer, hand_made
from tests.relay.in_process import laid_inside, on_the_relays_loop


class BrokenError(Exception):
    """Something of the relay's own."""


def _breaks(*_: Any, **__: Any) -> None:
    raise BrokenError


def ends(play: Callable[[HandMade, int], Awaitable[Peer]]) -> tuple[list[str], list[BaseException]]:
    """Play on a relay in this process; return who ended what, and what the loop logged."""
    logged: list[BaseException] = []

    async def go() -> list[str]:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: logged.append(context["exception"]))
        async with hand_made() as bench, laid_inside(bench.address) as inside:
            service = await play(bench, inside.port)
            async with asyncio.timeout(WITHIN_S):
                assert await _told_that_it_is_over(service)
        return [report.by for report in inside.reports if isinstance(report, Ended)]

    return on_the_relays_loop(go()), logged


async def _told_that_it_is_over(service: Peer) -> bool:
    try:
        return await service.gets(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("side", ["service", "server"])
def test_a_read_that_breaks_the_relay(monkeypatch: pytest.MonkeyPatch, side: str) -> None:
    async def play(bench: HandMade, port: int) -> Peer:
        service, server = await bench.connected(port), await bench.accepted()
        await service.sends(b"PING\r\n")
        await server.gets(6)
        monkeypatch.setattr(Engine, "feed", _breaks)
        await (service if side == "service" else server).sends(b"PING\r\n")
        return service

    by, logged = ends(play)

    assert by == ["relay"]
    assert [type(each) for each in logged] == [BrokenError]


def test_what_came_early_breaks_the_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read when the server is connected, by nobody's transport."""
    monkeypatch.setattr(HopServer, "connect", _connect_late(HopServer.connect))
    monkeypatch.setattr(Engine, "feed", _breaks)

    async def play(bench: HandMade, port: int) -> Peer:
        service = await bench.connected(port)
        await service.sends(b"PING\r\n")
        return service

    by, logged = ends(play)

    assert by == ["relay"]
    assert [type(each) for each in logged] == [BrokenError]


def _has_some(pair: Pair) -> Callable[[], Awaitable[bool]]:
    async def early() -> bool:
        return bool(pair.early)

    return early


def _connect_late(connect: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Connect once something has come from the service."""

    async def late(hop: Any, side: Any) -> None:
        (pair,) = hop.pairs
        assert await poll_async(_has_some(pair), within_s=WITHIN_S)
        await connect(hop, side)

    return late
