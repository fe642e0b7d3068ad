"""asyncpg and a real PostgreSQL, with the relay between them."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from harness.polling import poll
from harness.relay import (
    Corrupt,
    Cut,
    Delay,
    Drop,
    DropAndClose,
    Fail,
    Hold,
    RelayServer,
    Reset,
    Stall,
)
from harness.stack import Stack
from tests.relay.clients import Laid, laid

TABLE = "CREATE TEMPORARY TABLE t (value int)"
INSERT = "INSERT INTO t VALUES ($1)"
COUNT = "SELECT count(*) FROM t"


@pytest.mark.asyncio
async def test_everything_passes(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "postgres", stack) as bed:
        connection = await bed.postgres()
        await connection.execute(TABLE)
        await connection.executemany(INSERT, [(value,) for value in range(500)])
        assert await connection.fetchval(COUNT) == 500
        large = "x" * 3_000_000
        assert await connection.fetchval("SELECT $1::text", large) == large
        await connection.copy_records_to_table("t", records=[(1,)] * 1000)
        assert await connection.fetchval(COUNT) == 1500
        with pytest.raises(asyncpg.UndefinedTableError):
            await connection.fetch("SELECT * FROM nowhere")
        heard: asyncio.Queue[object] = asyncio.Queue()
        await connection.add_listener("news", lambda *told: heard.put_nowait(told[3]))
        await connection.execute("NOTIFY news, 'hello'")
        assert await asyncio.wait_for(heard.get(), 10) == "hello"
        await connection.close()
        assert (await bed.ended()).by == "service"
        assert bed.control.reports(0) == [await bed.ended()]


@pytest.mark.asyncio
async def test_a_cancel_request_reaches_the_server(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "postgres", stack) as bed:
        connection = await bed.postgres()
        with pytest.raises(TimeoutError):
            await connection.execute("SELECT pg_sleep(30)", timeout=0.3)
        assert await connection.fetchval("SELECT 1") == 1


@pytest.mark.asyncio
async def test_committed_and_the_answer_lost(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "postgres", stack) as bed:
        other = await bed.postgres()
        await other.execute("CREATE TABLE wire_answer_lost (value int)")
        connection = await bed.postgres()
        rule = await bed.arm(Cut(), "answered", "COMMIT")
        with pytest.raises(asyncpg.ConnectionDoesNotExistError):
            async with connection.transaction():
                await connection.execute("INSERT INTO wire_answer_lost VALUES (1)")
        fired = await bed.fired(rule)
        assert (fired.message, fired.text, fired.connection) == ("CommandComplete", "COMMIT;", 2)
        ended = await bed.ended()
        assert (ended.by, ended.phase, ended.text, ended.direction_due) == ("rule", "commit", "COMMIT;", "answered")
        assert await other.fetchval("SELECT count(*) FROM wire_answer_lost") == 1
        await other.execute("DROP TABLE wire_answer_lost")


@pytest.mark.asyncio
async def test_the_commit_never_arrived(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "postgres", stack) as bed:
        other = await bed.postgres()
        await other.execute("CREATE TABLE wire_never_arrived (value int)")
        connection = await bed.postgres()
        rule = await bed.arm(Reset(), "sent", "commit", phase="commit")
        with pytest.raises((asyncpg.ConnectionDoesNotExistError, ConnectionResetError)):
            async with connection.transaction():
                await connection.execute("INSERT INTO wire_never_arrived VALUES (1)")
        assert (await bed.fired(rule)).passed_bytes == 0
        assert await other.fetchval("SELECT count(*) FROM wire_never_arrived") == 0
        await other.execute("DROP TABLE wire_never_arrived")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("direction", "message"),
    [("sent", "SSLRequest"), ("sent", "StartupMessage"), ("sent", "SASLResponse"), ("answered", "ReadyForQuery")],
)
async def test_a_cut_while_it_connects(relay: RelayServer, stack: Stack, direction: str, message: str) -> None:
    async with laid(relay, "postgres", stack) as bed:
        rule = await bed.arm(Cut(), direction, message=message)  # type: ignore[arg-type]  # a Direction
        with pytest.raises((ConnectionError, asyncpg.PostgresError, asyncpg.InterfaceError)):
            await bed.postgres()
        assert (await bed.fired(rule)).message == message
        connection = await bed.postgres()  # the rule has worked once
        assert await connection.fetchval("SELECT 1") == 1


@pytest.mark.asyncio
async def test_held_messages_go_on_in_order(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "postgres", stack) as bed:
        connection, other = await bed.postgres(), await bed.postgres()
        await connection.execute(TABLE)
        rule = await bed.arm(Hold(), "sent", "INSERT")
        inserting = asyncio.create_task(connection.execute("INSERT INTO t VALUES (1)"))
        fired = await bed.fired(rule)
        assert await other.fetchval("SELECT 2") == 2
        assert not inserting.done()
        assert await bed.control.release(rule, connection=fired.connection + 1) == 0
        assert await bed.control.release(rule, connection=fired.connection) == 1
        assert await inserting == "INSERT 0 1"
        assert (await bed.passed(rule)).t_ns > fired.t_ns


@pytest.mark.asyncio
@pytest.mark.parametrize("action", [Stall(), Hold()])
async def test_disarming_releases(relay: RelayServer, stack: Stack, action: Stall | Hold) -> None:
    async with laid(relay, "postgres", stack) as bed:
        connection = await bed.postgres()
        rule = await bed.arm(action, "answered", "SELECT")
        asking = asyncio.create_task(connection.fetchval("SELECT 7"))
        await bed.fired(rule)
        assert not asking.done()
        await bed.control.disarm(rule)
        await bed.control.disarm(rule)
        assert await asking == 7


@pytest.mark.asyncio
async def test_a_delay_passes_by_itself(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "postgres", stack) as bed:
        connection = await bed.postgres()
        rule = await bed.arm(Delay(20), "sent", "SELECT")
        assert await connection.fetchval("SELECT 7") == 7
        assert (await bed.passed(rule)).t_ns - (await bed.fired(rule)).t_ns >= 20e6


@pytest.mark.asyncio
async def test_a_dropped_question_gets_no_answer(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "postgres", stack) as bed:
        connection = await bed.postgres()
        rule = await bed.arm(Drop(), "sent", "SELECT 7")
        asking = asyncio.create_task(connection.execute("SELECT 7"))
        await bed.fired(rule)
        assert not asking.done()
        assert await bed.control.cut_all(bed.hop.name) == 1
        with pytest.raises(asyncpg.ConnectionDoesNotExistError):
            await asking


@pytest.mark.asyncio
async def test_a_dropped_answer_ends_the_connection(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "postgres", stack) as bed:
        connection = await bed.postgres()
        await bed.arm(DropAndClose(), "answered", "SELECT 7")
        with pytest.raises(asyncpg.ConnectionDoesNotExistError):
            await connection.execute("SELECT 7")


@pytest.mark.asyncio
async def test_half_an_answer(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "postgres", stack) as bed:
        connection = await bed.postgres()
        rule = await bed.arm(Cut(12), "answered", "SELECT 7")
        with pytest.raises(asyncpg.ConnectionDoesNotExistError):
            await connection.execute("SELECT 7")
        assert (await bed.fired(rule)).passed_bytes == 12


@pytest.mark.asyncio
async def test_one_bit_of_a_value_changes(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "postgres", stack) as bed:
        connection = await bed.postgres(statement_cache_size=0)
        unnamed = len(b"P....\0")
        await bed.arm(Corrupt(unnamed + "SELECT 'b'".index("b")), "sent", "SELECT 'b'", message="Parse", always=True)
        assert await connection.fetchval("SELECT 'b'") == "c"


async def failing(bed: Laid, sql: str, sqlstate: str) -> asyncpg.Connection:
    connection = await bed.postgres()
    await connection.execute(TABLE)
    await bed.arm(Fail(sqlstate, "by the relay"), "sent", sql)
    return connection


@pytest.mark.asyncio
async def test_a_statement_fails_with_the_given_sqlstate(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "postgres", stack) as bed:
        connection = await failing(bed, "INSERT", "53100")
        with pytest.raises(asyncpg.DiskFullError, match="by the relay"):
            async with connection.transaction():
                await connection.execute(INSERT, 1)
        await connection.execute(INSERT, 2)
        assert await connection.fetch("SELECT value FROM t") == [(2,)]


@pytest.mark.asyncio
async def test_in_a_failed_transaction_the_server_itself_refuses_what_follows(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "postgres", stack) as bed:
        connection = await failing(bed, "INSERT", "40P01")
        await connection.execute("BEGIN")
        with pytest.raises(asyncpg.DeadlockDetectedError):
            await connection.execute("INSERT INTO t VALUES (1)")
        with pytest.raises(asyncpg.InFailedSQLTransactionError):
            await connection.execute("INSERT INTO t VALUES (1)")
        await connection.execute("ROLLBACK")
        assert await connection.fetchval(COUNT) == 0


@pytest.mark.asyncio
@pytest.mark.parametrize("prepared", [False, True])
async def test_a_commit_fails_and_the_transaction_is_over(relay: RelayServer, stack: Stack, prepared: bool) -> None:
    async with laid(relay, "postgres", stack) as bed:
        connection = await failing(bed, "COMMIT", "40001")
        await connection.execute("BEGIN")
        await connection.execute(INSERT, 1)
        with pytest.raises(asyncpg.SerializationError):
            await (connection.fetch("COMMIT") if prepared else connection.execute("COMMIT"))
        assert not connection.is_in_transaction()
        assert await connection.fetchval(COUNT) == 0


@pytest.mark.asyncio
async def test_too_many_connections(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "postgres", stack) as bed:
        await bed.arm(Fail("53300", fatal=True), "sent", message="StartupMessage")
        with pytest.raises(asyncpg.TooManyConnectionsError):
            await bed.postgres()


@pytest.mark.asyncio
async def test_the_server_ends_a_session(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "postgres", stack) as bed:
        connection, other = await bed.postgres(), await bed.postgres()
        pid = await connection.fetchval("SELECT pg_backend_pid()")
        await other.execute("SELECT pg_terminate_backend($1)", pid)
        ended = await bed.ended()
        assert (ended.by, ended.connection, ended.phase) == ("server", 1, "idle")
        assert await poll(connection.is_closed, within_s=20)
