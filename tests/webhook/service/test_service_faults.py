"""What the service does when PostgreSQL goes wrong."""

from __future__ import annotations

import asyncio
import os
import signal
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest

from harness.protocols.postgres.server import PostgresServer
from tests.webhook.support import PATIENT, Database, Service, Starter, digest, new_id, stopped, without_farewells

CLOSED = "asyncpg.exceptions.ConnectionDoesNotExistError: connection was closed in the middle of operation"


@pytest.mark.asyncio
async def test_a_pooled_connection_that_died_is_replaced_without_a_retry(starter: Starter) -> None:
    async with starter.running() as service:
        await service.deliver()
        await service.database.fetch(
            "SELECT pg_terminate_backend(pid, 10000) FROM unnest($1::int[]) pid", await service.database.backends()
        )
        answer = await service.deliver()
        assert answer.status_code == 200
        assert await service.metric("webhook_retries_total") == 0


@pytest.mark.asyncio
async def test_without_pre_ping_the_retry_has_to_do_it(starter: Starter) -> None:
    async with starter.running(WEBHOOK_POOL_PRE_PING="off") as service:
        await service.deliver()
        await service.database.fetch(
            "SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) pid", await service.database.backends()
        )
        assert (await service.deliver()).status_code == 200
        assert await service.metric("webhook_retries_total") == 1


@pytest.mark.asyncio
async def test_a_silent_pooled_connection_is_given_up_and_another_used(starter: Starter) -> None:
    async with starter.running() as service:
        await service.deliver()
        with stopped(await service.database.backends()):
            assert (await service.deliver()).status_code == 200


@pytest.mark.asyncio
@pytest.mark.parametrize("retry", ["on", "off"])
async def test_a_query_cut_in_flight_is_sent_again(starter: Starter, retry: str) -> None:
    body, identity = b'{"cut": "in flight"}', new_id()
    async with starter.running(WEBHOOK_RETRY_DATABASE=retry, **PATIENT) as service:
        await service.deliver()
        async with service.database.locked():
            sending = asyncio.create_task(service.deliver(body, delivery_id=identity))
            await service.database.until_waiting()
            # By its statement: while it looks for a deadlock, a session that waits does not say so.
            ended = await service.database.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'active'"
                " AND query LIKE 'INSERT%' AND datname = current_database()"
            )
            assert len(ended) == 1
            failed = await service.until_logged("attempt_failed" if retry == "on" else "refused")
        answer = await sending
        assert failed["phase"] == "insert"
        assert failed["error"].startswith("sqlalchemy.exc.DBAPIError: ")
        assert CLOSED in failed["error"]
        assert failed["delivery"] == identity
        rows = await service.database.stored()
    assert ((identity, digest(body)) in rows) is (retry == "on")
    assert answer.status_code == (200 if retry == "on" else 503)


@pytest.mark.asyncio
async def test_a_lock_is_not_waited_for_beyond_the_deadline(starter: Starter) -> None:
    async with starter.running() as service:
        await service.deliver()
        async with service.database.locked():
            answer = await service.deliver()
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert service.events("refused")[0]["reason"] == "lock_timeout"
        assert len(await service.database.stored()) == 1
        assert await service.metric("webhook_retries_total") == 0


@pytest.mark.asyncio
async def test_more_than_the_pool_can_serve_is_shed_at_once(starter: Starter) -> None:
    settings = {"WEBHOOK_POOL_SIZE": "1", "WEBHOOK_POOL_MAX_OVERFLOW": "1", "WEBHOOK_SHED_WAITING_MAX": "2"}
    settings |= PATIENT | {"WEBHOOK_POOL_TIMEOUT_S": "1"}  # who waits in vain has to have gone before the lock does
    async with starter.running(**settings) as service:
        await service.deliver()
        async with service.database.locked():
            holding = [asyncio.create_task(service.deliver()) for _ in range(2)]
            await service.database.until_waiting(at_least=2)
            answers = await asyncio.gather(*(service.deliver() for _ in range(6)))
            reasons = [entry["reason"] for entry in service.events("refused")]
        assert [answer.status_code for answer in await asyncio.gather(*holding)] == [200, 200]
        assert [answer.status_code for answer in answers] == [503] * 6
        assert reasons.count("shed") == 4
        assert reasons.count("pool_timeout") == 2
        assert await service.metric("webhook_shed_total") == 4
        assert await service.metric("webhook_pool_checked_out") == 0


@pytest.mark.asyncio
async def test_without_postgres_it_starts_refuses_and_recovers(
    starter: Starter, own_postgres: PostgresServer, own_database: Database
) -> None:
    own_postgres.stop()
    async with starter.running(DATABASE_URL=own_database.url) as service:
        refused = await service.deliver()
        ready = await service.client.get("/readyz")
        alive = await service.client.get("/healthz")
        own_postgres.start_again()
        answer = await service.deliver()
        assert refused.status_code == 503
        assert refused.json()["error"] == "unavailable"
        assert "ConnectionRefusedError: [Errno 111]" in service.events("refused")[0]["error"]
        assert (ready.status_code, alive.status_code) == (503, 200)
        assert "ConnectionRefusedError" in ready.json()["dependencies"]["postgres"]["error"]
        assert answer.status_code == 200
        assert len(await own_database.stored()) == 1


@pytest.mark.asyncio
@pytest.mark.parametrize("resolve", ["on", "off"])
async def test_a_commit_whose_answer_is_lost(starter: Starter, own_database: Database, resolve: str) -> None:
    """The row is durable; the COMMIT waits for a standby that is not there, and its connection is cut."""
    settings = {"DATABASE_URL": own_database.url, "WEBHOOK_COMMIT_RESOLVE": resolve, **PATIENT}
    async with starter.running(**settings) as service:
        await service.deliver()
        await own_database.fetch("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        try:
            await own_database.fetch("SELECT pg_reload_conf()")
            body, identity, sending = await _sent_until_a_commit_waits(service, own_database)
            await own_database.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
            )
            # Asked again, it waits as well: what no standby has is not acknowledged.
            await own_database.fetch("ALTER SYSTEM RESET synchronous_standby_names")
            await own_database.fetch("SELECT pg_reload_conf()")
            answer = await sending
        finally:  # else every later COMMIT of this server waits
            await own_database.fetch("ALTER SYSTEM RESET synchronous_standby_names")
            await own_database.fetch("SELECT pg_reload_conf()")
        rows = await own_database.stored()
        again = await service.deliver(body, delivery_id=identity)
    assert rows.count((identity, digest(body))) == 1
    assert answer.status_code == (200 if resolve == "on" else 504)
    assert again.status_code == 200
    assert resolve == "off" or again.content == answer.content


async def _sent_until_a_commit_waits(
    service: Service, database: Database
) -> tuple[bytes, str, asyncio.Task[httpx.Response]]:
    """Send deliveries until a COMMIT waits: the server's processes take in a setting one after the other."""
    async with asyncio.timeout(30):
        while True:
            body, identity = b'{"commit": "lost"}', new_id()
            sending = asyncio.create_task(service.deliver(body, delivery_id=identity))
            while not sending.done():
                if await database.fetch("SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'"):
                    return body, identity, sending
            await sending


@pytest.mark.asyncio
async def test_an_exhausted_deadline_refuses_and_lets_the_connection_go(starter: Starter) -> None:
    # In two seconds a busy machine, too, answers what nothing holds up.
    async with starter.running(WEBHOOK_DEADLINE_STATEMENT="off", WEBHOOK_REQUEST_TIMEOUT_S="2") as service:
        await service.deliver()
        async with service.database.locked():
            answer = await service.deliver()
        assert answer.status_code == 503
        assert service.events("refused")[0]["reason"] == "deadline"
        assert await service.metric("webhook_pool_checked_out") == 0
        assert (await service.deliver()).status_code == 200


@pytest.mark.asyncio
async def test_a_connection_that_missed_the_deadline_meets_no_other_request(starter: Starter) -> None:
    """It is cut: silent as it is, waiting for its farewell would keep the request, and the pool, for ever."""
    async with starter.running(WEBHOOK_DEADLINE_STATEMENT="off", WEBHOOK_REQUEST_TIMEOUT_S="1") as service:
        await service.deliver()
        backends = await service.database.backends()
        async with service.database.locked():
            sending = asyncio.create_task(service.deliver())
            await service.database.until_waiting()
            with stopped(backends):
                answer = await sending
                assert await service.metric("webhook_pool_checked_out") == 0
        assert answer.status_code == 503
        assert (await service.deliver()).status_code == 200
        assert not set(backends) & set(await service.database.backends())


SPARE = {
    "WEBHOOK_POOL_SIZE": "1",
    "WEBHOOK_POOL_MAX_OVERFLOW": "1",
    "WEBHOOK_POOL_KEEPS_ALL": "off",
    "WEBHOOK_DEADLINE_STATEMENT": "off",
}
"""A connection beyond the pool's size is closed when it comes back, after the COMMIT and before the answer."""


@pytest.mark.asyncio
async def test_an_answer_does_not_wait_until_a_spare_connection_is_closed(starter: Starter) -> None:
    async with without_farewells(starter.database.url) as url, starter.running(DATABASE_URL=url, **SPARE) as service:
        async with service.database.locked():
            sending = [asyncio.create_task(service.deliver()) for _ in range(2)]
            await service.database.until_waiting(at_least=2)
        assert [answer.status_code for answer in await asyncio.gather(*sending)] == [200, 200]


@pytest.mark.asyncio
async def test_what_is_committed_is_never_refused(starter: Starter) -> None:
    """Without deadlines the driver closes politely, and the time to drain ends that: the row is there."""
    settings = {**SPARE, "WEBHOOK_DEADLINE_REQUEST": "off", "WEBHOOK_DRAIN_GRACE_S": "0.1"}
    async with without_farewells(starter.database.url) as url, starter.running(DATABASE_URL=url, **settings) as service:
        async with service.database.locked():
            sending = [asyncio.create_task(service.deliver()) for _ in range(2)]
            await service.database.until_waiting(at_least=2)
        answered, held = await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
        service.process.send_signal(signal.SIGTERM)
        assert [(await task).status_code for task in (*answered, *held)] == [200, 504]
        assert len(await service.database.stored()) == 2


@pytest.mark.asyncio
async def test_a_connection_that_would_refuse_everyone_meets_no_other_request(starter: Starter) -> None:
    """As after a failover: the session stays read only when the database no longer is."""
    async with starter.running() as service:
        url = urlsplit(service.database.url)
        elsewhere = Database(urlunsplit(url._replace(path="/postgres")))
        await elsewhere.fetch(f"ALTER DATABASE {url.path[1:]} SET default_transaction_read_only = on")
        refused = await service.deliver()
        await elsewhere.fetch(f"ALTER DATABASE {url.path[1:]} RESET default_transaction_read_only")
        answer = await service.deliver()
        assert (refused.status_code, answer.status_code) == (503, 200)
        assert service.events("refused")[0]["reason"] == "read_only"
        assert await service.metric("webhook_retries_total") == 2


@pytest.mark.asyncio
async def test_a_connection_that_falls_silent_in_mid_query_is_replaced(starter: Starter) -> None:
    """The client's own time-out is what notices: the retry stores it on another connection."""
    settings = PATIENT | {"WEBHOOK_SERVER_STATEMENT_TIMEOUT_S": "1.9", "WEBHOOK_STATEMENT_TIMEOUT_S": "2"}
    async with starter.running(**settings) as service:
        await service.deliver()
        backends = await service.database.backends()
        async with service.database.locked():
            sending = asyncio.create_task(service.deliver())
            await service.database.until_waiting()
            for pid in backends:
                os.kill(pid, signal.SIGSTOP)
        try:
            answer = await sending
        finally:
            for pid in backends:
                os.kill(pid, signal.SIGCONT)
        failed = service.events("attempt_failed")
        assert answer.status_code == 200
        assert [(entry["phase"], entry["reason"]) for entry in failed] == [("insert", "silent")]


@pytest.mark.asyncio
@pytest.mark.parametrize("idempotent", ["on", "off"])
async def test_twenty_copies_at_once_are_one_row_only_because_of_the_key(starter: Starter, idempotent: str) -> None:
    """They meet at a lock: whichever came first, Redis and a SELECT could not keep them apart."""
    identity, body = new_id(), b'{"copies": 20}'
    settings = {
        "WEBHOOK_INSERT_IDEMPOTENT": idempotent,
        "WEBHOOK_ALLOW_UNSAFE": "1",
        "WEBHOOK_SHED_WAITING_MAX": "100",
        "WEBHOOK_POOL_TIMEOUT_S": "20",
        **PATIENT,
        "REDIS_URL": "redis://127.0.0.1:1",
    }
    async with starter.running(**settings) as service:
        async with service.database.locked():
            sending = [asyncio.create_task(service.deliver(body, delivery_id=identity)) for _ in range(20)]
            await service.database.until_waiting(at_least=10)
        answers = await asyncio.gather(*sending)
        rows = await service.database.stored()
    assert {answer.status_code for answer in answers} == {200}
    if idempotent == "on":
        assert len(rows) == 1
        assert len({answer.content for answer in answers}) == 1
    else:
        assert len(rows) > 1


@pytest.mark.asyncio
async def test_acknowledged_before_the_commit(starter: Starter) -> None:
    """The switch does what it says: the answer is out while the COMMIT still can fail."""
    async with starter.running(WEBHOOK_ACK_AFTER_COMMIT="off", WEBHOOK_ALLOW_UNSAFE="1") as service:
        await service.database.fetch(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no commit'; END $$"
        )
        await service.database.fetch(
            "CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON deliveries DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
        answer = await service.deliver()
        failed = await service.until_logged("late_commit_failed")
        assert answer.status_code == 200
        assert "no commit" in failed["error"]
        assert await service.database.stored() == []


@pytest.mark.asyncio
async def test_a_commit_that_the_server_says_it_undid_is_a_refusal(starter: Starter) -> None:
    async with starter.running() as service:
        await service.database.fetch(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE 'never' USING ERRCODE = 'serialization_failure'; END $$"
        )
        await service.database.fetch(
            "CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON deliveries DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
        answer = await service.deliver()
        assert answer.status_code == 503
        assert service.events("refused")[0]["phase"] == "commit"
        assert await service.metric("webhook_retries_total") == 2
        assert await service.database.stored() == []


@pytest.mark.asyncio
async def test_without_refusals_the_exception_escapes(starter: Starter) -> None:
    settings = {"WEBHOOK_ERRORS_REFUSE": "off", "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    async with starter.running(**settings) as service:
        answer = await service.deliver()
        assert answer.status_code == 500
        escaped = await service.until_logged("Exception in ASGI application")
        assert escaped["traceback"].startswith("Traceback (most recent call last)")
        assert "ConnectionRefusedError: [Errno 111]" in escaped["traceback"]


@pytest.mark.asyncio
async def test_the_retry_budget_runs_out(starter: Starter) -> None:
    settings = {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "WEBHOOK_RETRY_BUDGET_BURST": "3",
        "WEBHOOK_RETRY_BUDGET_RATIO": "0.01",
        "WEBHOOK_RETRY_DELAY_S": "0.001",
    }
    async with starter.running(**settings) as service:
        for _ in range(5):
            assert (await service.deliver()).status_code == 503
        assert await service.metric("webhook_retries_total") == 3


@pytest.mark.asyncio
async def test_the_incidents_retry_retries_everything_and_waits_in_a_line(starter: Starter) -> None:
    settings = {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "WEBHOOK_RETRY_STYLE": "linear",
        "WEBHOOK_RETRY_DELAY_S": "0.001",
        "WEBHOOK_ERRORS_REFUSE": "off",
    }
    async with starter.running(**settings) as service:
        assert (await service.deliver()).status_code == 500
        assert [entry["attempt"] for entry in service.events("attempt_failed")] == [1, 2]
