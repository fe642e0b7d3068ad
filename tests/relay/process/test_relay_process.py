"""The relay's process: how it starts, how its death is noticed, and what it cleans up."""

from __future__ import annotations

import asyncio
import queue
import signal
import socket
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.processes.keeper import Keeper
from harness.relay import Cut, Match, RelayServer, Rule
from harness.stack import private_folder
from harness.stack.servers.deaths import DeadServer, DeathWatch
from tests.relay.clients import WITHIN_S, hand_made, laid_to


@pytest.mark.asyncio
async def test_when_a_control_connection_ends_its_hops_are_gone(relay: RelayServer) -> None:
    async with hand_made() as bench:
        async with laid_to(relay, "redis", bench.address) as bed:
            service, server = await bench.connected(bed.hop.port), await bench.accepted()
            port = bed.hop.port
        assert await service.gets(1) == b""
        assert await server.gets(1) == b""
        with pytest.raises(ConnectionRefusedError):
            await bench.connected(port)
        with socket.socket() as anyone:
            anyone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            anyone.bind(("127.0.0.1", port))


@pytest.mark.asyncio
async def test_a_relay_that_is_killed_is_noticed(keeper: Keeper) -> None:
    deaths = DeathWatch()
    with private_folder() as folder, RelayServer.start(keeper, folder) as relay:
        release = deaths.watch("relay", relay.process)
        control = relay.control()
        async with control:
            waiting = asyncio.create_task(control.next_report(lambda _report: True, 20))
            await asyncio.sleep(0)  # the task begins, and waits
            relay.process.send_signal(signal.SIGKILL)
            relay.process.wait(10)
            with pytest.raises(HarnessError, match="ended its control connection"):
                await waiting
            with pytest.raises(HarnessError):
                await control.arm(Rule(id="r", hop="hop", match=Match(direction="sent"), action=Cut()))
        told = queue.SimpleQueue[DeadServer]()
        deaths.subscribe(told.put)  # the keeper's thread tells it, perhaps after `wait` has returned
        dead = told.get(timeout=WITHIN_S)
        assert (dead.name, dead.exit_status) == ("relay", -9)
        release()


@pytest.mark.asyncio
async def test_nobody_answers_where_no_relay_is(keeper: Keeper) -> None:
    with private_folder() as folder:
        with RelayServer.start(keeper, folder) as relay:
            assert relay.version.startswith("uvloop ")
        assert relay.process.poll() is not None
        with pytest.raises(HarnessError, match="does not answer"):
            async with relay.control():
                pass


def test_a_path_that_is_too_long_is_told(keeper: Keeper, tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    with pytest.raises(HarnessError, match="107 bytes"):
        RelayServer.start(keeper, folder)


def test_a_relay_that_does_not_start_is_told_with_its_log(keeper: Keeper) -> None:
    with private_folder() as folder:
        (folder / "relay.sock").mkdir()
        with pytest.raises(HarnessError, match="status 1") as raised:
            RelayServer.start(keeper, folder)
        assert "relay.sock" in str(raised.value)
