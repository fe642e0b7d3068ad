"""Start, stop, settings and migrations of the real process."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys

import httpx
import pytest

from harness.processes.keeper import ProcessSpec
from harness.protocols.redis.server import RedisServer
from harness.stack.tcp.sockets import listening
from tests.webhook.support import (
    LISTENS_LONG,
    PATIENT,
    ROOT,
    WAIT_S,
    Starter,
    base_environment,
    listening_port,
    new_id,
    stopped,
)

NOWHERE = "127.0.0.1:1"


@pytest.mark.asyncio
async def test_it_starts_as_the_incidents_service_did(starter: Starter) -> None:
    """`python main.py`, inside `webhook/`."""
    spec = ProcessSpec(
        name="service",
        argv=(sys.executable, "main.py"),
        env={**base_environment(), **starter.environment, **LISTENS_LONG},
        cwd=ROOT / "webhook",
        log=starter.folder / "main.log",
    )
    process = starter.keeper.spawn(spec)
    starter.started.append(process)
    port = await listening_port(process)
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200


@pytest.mark.asyncio
async def test_sigterm_finishes_what_was_taken_and_ends_with_0(starter: Starter) -> None:
    identity = new_id()
    async with starter.running(**PATIENT) as service:
        await service.deliver()
        async with service.database.locked():
            sending = asyncio.create_task(service.deliver(delivery_id=identity))
            await service.database.until_waiting()
            service.process.send_signal(signal.SIGTERM)
            await service.until_logged("draining")
            with pytest.raises(httpx.ConnectError):
                async with httpx.AsyncClient(trust_env=False) as other:
                    await other.get(f"http://127.0.0.1:{service.port}/healthz")
        answer = await sending
        assert answer.status_code == 200
        assert await asyncio.to_thread(service.process.wait, WAIT_S) == 0
        assert identity in [stored for stored, _ in await service.database.stored()]


NO_LIMIT = {**PATIENT, "WEBHOOK_DEADLINE_REQUEST": "off", "WEBHOOK_DRAIN_GRACE_S": "0.1"}
"""Nothing but the time to drain ends a request."""


@pytest.mark.asyncio
async def test_what_the_time_to_drain_ends_is_refused_and_not_stored(starter: Starter) -> None:
    identity = new_id()
    async with starter.running(**NO_LIMIT) as service:
        await service.deliver(delivery_id=identity)
        async with service.database.locked():
            sending = asyncio.create_task(service.deliver())
            asking = asyncio.create_task(service.client.get(f"/webhooks/shop/{identity}"))
            await service.database.until_waiting(at_least=2)
            service.process.send_signal(signal.SIGTERM)
            refused, not_found_out = await asyncio.gather(sending, asking)
            assert await asyncio.to_thread(service.process.wait, WAIT_S) == 0
        assert (refused.status_code, refused.json()["error"]) == (503, "unavailable")
        assert refused.json()["detail"] == "The service is ending. This request stored nothing."
        assert (not_found_out.status_code, "stored nothing" in not_found_out.json()["detail"]) == (503, False)
        assert [entry["reason"] for entry in service.events("refused")] == ["ending", "ending"]
        assert '"level": "error"' not in service.process.log.read()
        assert len(await service.database.stored()) == 1


@pytest.mark.asyncio
async def test_a_commit_that_the_time_to_drain_ends_is_unknown(starter: Starter) -> None:
    async with starter.running(**NO_LIMIT) as service:
        await service.database.fetch(
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END $$"
        )
        await service.database.fetch(
            "CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON deliveries DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION wait()"
        )
        async with service.database.locked("SELECT pg_advisory_xact_lock(1)"):
            sending = asyncio.create_task(service.deliver())
            await service.database.until_waiting()
            service.process.send_signal(signal.SIGTERM)
            answer = await sending
            assert await asyncio.to_thread(service.process.wait, WAIT_S) == 0
        assert (answer.status_code, answer.json()["error"]) == (504, "unknown")


@pytest.mark.asyncio
async def test_a_probe_that_the_time_to_drain_ends_is_answered(starter: Starter) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent_url = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/none?ssl=disable"
        settings = {**NO_LIMIT, "WEBHOOK_READY_TIMEOUT_S": "30", "WEBHOOK_CONNECT_TIMEOUT_S": "30"}
        async with starter.running(DATABASE_URL=silent_url, **settings) as service:
            asking = asyncio.create_task(service.client.get("/readyz"))
            connection, _ = await asyncio.to_thread(silent.accept)
            with connection:
                service.process.send_signal(signal.SIGTERM)
                answer = await asking
                assert (answer.status_code, answer.json()) == (503, {"status": "ending"})
                assert await asyncio.to_thread(service.process.wait, WAIT_S) == 0


@pytest.mark.asyncio
async def test_a_server_that_does_not_hang_up_does_not_keep_the_service_from_ending(starter: Starter) -> None:
    async with starter.running(WEBHOOK_DEADLINE_STATEMENT="off") as service:
        await service.deliver()
        with stopped(await service.database.backends()):
            service.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(service.process.wait, WAIT_S) == 0


@pytest.mark.asyncio
async def test_without_draining_sigterm_kills(starter: Starter) -> None:
    async with starter.running(WEBHOOK_DRAIN_SIGTERM="off", **PATIENT) as service:
        await service.deliver()
        async with service.database.locked():
            sending = asyncio.create_task(service.deliver())
            await service.database.until_waiting()
            service.process.send_signal(signal.SIGTERM)
            with pytest.raises(httpx.HTTPError):
                await sending
        assert await asyncio.to_thread(service.process.wait, WAIT_S) == -signal.SIGTERM


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"DATABASE_URL": f"postgresql://nobody@{NOWHERE}/none"}, "ConnectionRefusedError: [Errno 111]"),
        ({"REDIS_URL": f"redis://{NOWHERE}", "WEBHOOK_REDIS_FAIL_OPEN": "off"}, "Error 111 connecting to"),
    ],
)
def test_a_start_that_needs_its_servers_fails_without_them(
    starter: Starter, settings: dict[str, str], message: str
) -> None:
    process = starter.spawn(WEBHOOK_START_DEGRADED="off", **settings)
    assert process.wait(WAIT_S) == 1
    assert message in process.log.read()


@pytest.mark.asyncio
async def test_a_start_that_needs_its_servers_degrades_without_redis_if_it_may(starter: Starter) -> None:
    async with starter.running(WEBHOOK_START_DEGRADED="off", REDIS_URL=f"redis://{NOWHERE}") as service:
        assert service.events("redis_failed")[0]["phase"] == "start"


def test_a_taken_port_is_told(starter: Starter, own_redis: RedisServer) -> None:
    process = starter.spawn(WEBHOOK_PORT=str(own_redis.port))
    assert process.wait(WAIT_S) == 1
    assert f"127.0.0.1:{own_redis.port} cannot be listened on" in process.log.read()


@pytest.mark.asyncio
async def test_the_kernel_keeps_as_many_connections_waiting_as_the_service_says(starter: Starter) -> None:
    """By itself asyncio listens a second time, with a number of its own."""
    program = "from webhook.api import server; server.BACKLOG = 7; from webhook.command import main; main(['serve'])"
    spec = ProcessSpec(
        name="service",
        argv=(sys.executable, "-c", program),
        env={**base_environment(), **starter.environment},
        cwd=ROOT,
        log=starter.folder / "backlog.log",
    )
    process = starter.keeper.spawn(spec)
    starter.started.append(process)
    (listener,) = listening(await listening_port(process), pids=[process.pid])
    assert listener.backlog == 7


def test_wrong_settings_end_with_2(starter: Starter) -> None:
    process = starter.spawn(WEBHOOK_POOL_SIZ="7")
    assert process.wait(WAIT_S) == 2
    assert "did you mean WEBHOOK_POOL_SIZE?" in process.log.read()


def test_a_wrong_command_ends_with_2(starter: Starter) -> None:
    process = starter.spawn("migrat")
    assert process.wait(WAIT_S) == 2
    assert "usage: python -m webhook" in process.log.read()


def test_migrations_may_run_twice_and_by_two_at_once(starter: Starter) -> None:
    processes = [starter.spawn("migrate") for _ in range(2)]
    assert [process.wait(WAIT_S) for process in processes] == [0, 0]


def test_a_migration_needs_no_other_setting(starter: Starter) -> None:
    process = starter.spawn("migrate", REDIS_URL="", WEBHOOK_SECRETS="")
    assert process.wait(WAIT_S) == 0, process.log.read()


def test_a_migration_without_its_database_is_told(starter: Starter) -> None:
    process = starter.spawn("migrate", DATABASE_URL="")
    assert process.wait(WAIT_S) == 2
    assert "DATABASE_URL is not set" in process.log.read()


def test_a_migration_without_a_server_is_told(starter: Starter) -> None:
    process = starter.spawn("migrate", DATABASE_URL=f"postgresql://nobody@{NOWHERE}/none")
    assert process.wait(WAIT_S) == 1
    assert "The migration failed: ConnectionRefusedError" in process.log.read()
