"""A NATS server as the stack runs it, and what a service has of it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from harness.processes.keeper import Keeper
from harness.protocols.contract.probes import NotUnderstoodError
from harness.protocols.contract.storage import Share
from harness.protocols.nats.asking import NatsError, asking
from harness.protocols.nats.server import NatsServer
from harness.protocols.nats.storage import STORAGE, OwnAccount
from harness.stack import Launch, private_folder
from harness.stack.servers.deaths import DeathWatch

STREAM = json.dumps({"name": "ORDERS", "subjects": ["orders.*"], "storage": "file"}).encode()


@pytest.fixture(scope="module")
def nats(keeper: Keeper, deaths: DeathWatch) -> Iterator[NatsServer]:
    """A NATS alone, for the tests of this module."""
    with private_folder() as folder, NatsServer.start(Launch(keeper, folder, deaths=deaths)) as server:
        yield server


async def stored(own: OwnAccount) -> int:
    async with asking(own.admin_url) as client:
        said = json.loads(await client.ask("$JS.API.STREAM.INFO.ORDERS"))
    count: int = said["state"]["messages"]
    return count


@pytest.mark.asyncio
async def test_a_stream_outlives_a_restart_and_a_crash_and_goes_with_its_service(nats: NatsServer) -> None:
    share = Share(link="nats", number=1)
    async with STORAGE.own(nats, share) as own:
        assert isinstance(own, OwnAccount)
        port = nats.port
        async with asking(own.admin_url) as client:
            await client.ask("$JS.API.STREAM.CREATE.ORDERS", STREAM)
            assert json.loads(await client.ask("orders.new", b"one"))["seq"] == 1
        nats.restart()
        assert await stored(own) == 1
        nats.crash()
        nats.start_again()
        assert (nats.port, await stored(own)) == (port, 1)
        said = await own.execute("$JS.API.STREAM.PURGE.ORDERS")
        assert (said.effective, await stored(own)) == (True, 0)
        with pytest.raises(NotUnderstoodError, match="stream not found"):
            await own.execute("$JS.API.STREAM.PURGE.OTHERS")
        with pytest.raises(NotUnderstoodError, match="no responder answers nothing"):
            await own.execute("nothing here")
    async with STORAGE.own(nats, share) as own, asking(own.admin_url) as client:
        assert json.loads(await client.ask("$JS.API.STREAM.NAMES"))["streams"] is None


@pytest.mark.asyncio
async def test_what_a_consumer_has_not_acknowledged_is_not_settled(nats: NatsServer) -> None:
    async with STORAGE.own(nats, Share(link="nats", number=4)) as own, asking(own.admin_url) as client:
        probe = own.probe()
        assert await probe.unsettled() == 0
        await client.ask("$JS.API.STREAM.CREATE.ORDERS", STREAM)
        consumer = {"stream_name": "ORDERS", "config": {"durable_name": "w", "ack_policy": "explicit"}}
        await client.ask("$JS.API.CONSUMER.CREATE.ORDERS.w", json.dumps(consumer).encode())
        for body in (b"one", b"two"):
            await client.ask("orders.new", body)
        assert await probe.unsettled() == 2
        assert await client.ask("$JS.API.CONSUMER.MSG.NEXT.ORDERS.w") == b"one"
        assert await probe.unsettled() == 2
        await client.ask("$JS.ACK.ORDERS.w.1.1.1.1.1", b"+ACK")
        assert await probe.unsettled() == 1


@pytest.mark.asyncio
async def test_services_do_not_see_each_others_streams(nats: NatsServer) -> None:
    async with (
        STORAGE.own(nats, Share(link="nats", number=2)) as one,
        STORAGE.own(nats, Share(link="nats", number=3)) as other,
        asking(one.admin_url) as own,
        asking(other.admin_url) as others,
    ):
        await own.ask("$JS.API.STREAM.CREATE.ORDERS", STREAM)
        with pytest.raises(NatsError, match=r"no responder answers orders\.new"):
            await others.ask("orders.new", b"one")
        words = one.words(nats.address, tls=False)
        assert words["url"] == f"nats://{words['user']}:{words['password']}@{nats.address}"


@pytest.mark.asyncio
async def test_a_server_of_the_users_is_shared_and_a_wrong_login_is_told(nats: NatsServer) -> None:
    with NatsServer.at_url(nats.url, name="given") as given:
        assert given.version == nats.version
        async with STORAGE.own(given, Share(link="nats", number=1)) as own:
            assert own.admin_url == nats.url
    with pytest.raises(NatsError, match="Authorization Violation"):
        async with asking(f"nats://nobody:wrong@{nats.address}"):
            pass
