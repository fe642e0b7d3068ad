"""The control connection: what it owns, and what it tells."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError

from harness.errors import UsageError
from harness.polling import poll_async
from harness.protocols.redis.server import RedisServer
from harness.relay import Cut, Drop, Ended, Fail, Fired, Hold, Match, RelayServer, Rule, Seen
from harness.stack import Stack
from tests.relay.clients import WITHIN_S, Laid, hand_made, laid, laid_to


@pytest.mark.asyncio
async def test_two_control_connections_do_not_see_each_other(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "redis", stack) as one, laid(relay, "redis", stack) as two:
        assert one.hop.name == two.hop.name
        await one.arm(Cut(), "sent", "PING", rule_id="same")
        assert await two.redis().ping()
        with pytest.raises(UsageError, match="no such rule"):
            await two.control.release("same")
        assert await two.control.fired("same") == []


@pytest.mark.asyncio
async def test_what_is_wrong_is_told(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "redis", stack) as bed:
        address = (await bed.control.lay("other", protocol="redis", upstream=bed.hop.address)).address
        with pytest.raises(UsageError, match="a hop of this name exists already"):
            await bed.control.lay("hop", protocol="redis", upstream=address)
        with pytest.raises(UsageError, match="'hop'"):
            await bed.control.refuse("hopp", True)
        with pytest.raises(UsageError, match="not an error of Redis"):
            await bed.arm(Fail("40001"), "sent")
        await bed.arm(Cut(), "sent", "A", rule_id="r")
        await bed.arm(Cut(), "sent", "A", rule_id="r")
        with pytest.raises(UsageError, match="another rule has this id"):
            await bed.arm(Cut(), "sent", "B", rule_id="r")
        await bed.control.disarm("r")
        await bed.control.disarm("r")
        await bed.control.disarm("never armed")
        await bed.arm(Cut(), "sent", "B", rule_id="r")


@pytest.mark.asyncio
async def test_reports_come_in_order_to_whoever_wants_them(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "redis", stack) as bed:
        told: list[str] = []
        unsubscribe = bed.control.on_report(lambda report: told.append(report.kind))
        await bed.arm(Drop(), "answered", "ECHO", always=True)
        coming = asyncio.create_task(bed.control.next_report(lambda report: isinstance(report, Fired), 20))
        await asyncio.sleep(0)  # the task begins, and waits
        _, writer = await asyncio.open_connection("127.0.0.1", bed.hop.port)
        writer.write(b"ECHO a\r\nECHO b\r\nPING\r\n")
        fired = await coming
        assert isinstance(fired, Fired)
        assert fired.text == "ECHO a"
        assert [each.text for each in await until_fired(bed, 2)] == ["ECHO a", "ECHO b"]
        unsubscribe()
        writer.close()
        await writer.wait_closed()
        await bed.ended()
        assert told == ["fired", "fired"]
        assert [report.kind for report in bed.control.reports(1)] == ["fired", "ended"]
        times = [report.t_ns for report in bed.control.reports()]
        assert times == sorted(times)


async def until_fired(bed: Laid, count: int) -> list[Fired]:
    async def look() -> list[Fired] | None:
        found = list(await bed.control.fired("rule1"))
        return found if len(found) >= count else None

    return await poll_async(look, within_s=20) or []


async def until_seen(bed: Laid, text: str) -> bool:
    async def look() -> bool:
        return any(seen.text.startswith(text) for seen in await bed.control.seen("hop"))

    return bool(await poll_async(look, within_s=20))


@pytest.mark.asyncio
async def test_a_report_that_does_not_come(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "redis", stack) as bed:
        with pytest.raises(TimeoutError):
            await bed.control.next_report(lambda _report: True, 0.05)


@pytest.mark.asyncio
async def test_what_passed_is_told_with_its_statements(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "postgres", stack) as bed:
        connection = await bed.postgres()
        before = await bed.control.seen("hop")
        await connection.execute("BEGIN")
        await connection.fetchval("SELECT $1::int", 5)
        await connection.execute("COMMIT")
        after = await bed.control.seen("hop")
        new = after[len(before) :]
        assert [seen.text for seen in new if seen.runs] == ["BEGIN", "SELECT $1::int", "COMMIT"]
        assert [seen.text for seen in new if seen.ends_answer] == ["BEGIN", "SELECT $1::int", "COMMIT"]
        assert list(await bed.control.seen("hop", new[2].t_ns)) == list(new[2:])
        assert all(seen.head is None for seen in after)


@pytest.mark.asyncio
async def test_a_recording_has_every_message_with_its_bytes(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "postgres", stack) as bed:
        connection = await bed.postgres()
        await connection.execute("SELECT 'before'")
        await bed.control.record("hop", True)
        await connection.execute(f"SELECT '{'x' * 300_000}'")
        await bed.control.record("hop", False)
        await connection.execute("SELECT 'after'")
        recorded = list(await bed.control.recording("hop"))
        query, _, row, *_ = recorded
        names = ["Query", "RowDescription", "DataRow", "CommandComplete", "ReadyForQuery"]
        assert [seen.message for seen in recorded] == names
        assert isinstance(query, Seen)
        assert (query.length, len(query.head or b"")) == (300_000 + 15, 65536)
        assert (row.length, row.direction) == (300_000 + 11, "answered")
        assert (query.head or b"").startswith(b"Q\x00\x04\x93\xeeSELECT 'xxx")


@pytest.mark.asyncio
async def test_what_a_rule_saw_instead_closest_first(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "postgres", stack) as bed:
        rules = {
            "text": await bed.arm(Cut(), "sent", "SELECT 8"),
            "direction": await bed.arm(Cut(), "answered", "BEGIN", message="Query"),
            "answer": await bed.arm(Cut(), "answered", "SELECT 7", phase="commit"),
            "due": await bed.arm(Hold(), "answered", "SELECT pg_sleep"),
            "nth": await bed.arm(Cut(), "sent", "SELECT 7", nth=2),
            "having": await bed.arm(Cut(), "sent", "SELECT 7", having=b"evt"),
            "after": await bed.arm(Cut(), "sent", "SELECT 7", after="rule1"),
            "connection": await bed.arm(Cut(), "sent", "SELECT 7", connection=2),
        }
        assert await bed.control.near_misses(rules["nth"]) == ["no message at all was seen on this hop"]
        connection = await bed.postgres()
        await connection.execute("SELECT 7")
        await connection.execute("BEGIN")
        asking = asyncio.create_task(connection.execute("SELECT pg_sleep(20)"))
        await until_seen(bed, "SELECT pg_sleep")
        told = {name: await bed.control.near_misses(rule) for name, rule in rules.items()}
        first = {name: lines[0] for name, lines in told.items()}
        assert first["text"] == "sent Query 'SELECT 7' in phase query, 1 times: the rule wants text 'SELECT 8'"
        assert first["answer"] == "sent Query 'SELECT 7' in phase query, 1 times: the rule wants phase commit"
        assert "sent Query 'BEGIN' in phase query, 1 times: the rule wants answered" in told["direction"][:3]
        assert first["nth"] == "what fits was seen 1 times, but it was number 1, not 2"
        assert first["having"] == "what fits was seen 1 times, but no value of it contains b'evt'"
        assert first["after"] == "what fits was seen 1 times, but rule 'rule1' had not fired"
        assert first["connection"] == "what fits was seen 1 times, but it was on the rule's connection 1, not 2"
        assert [line for line in told["nth"] if "has not come" in line] == [], "it came, and was another"
        assert first["due"].endswith("1 times: the rule wants its answer, and that has not come as a whole")
        await bed.control.cut_all("hop")
        with pytest.raises(asyncpg.ConnectionDoesNotExistError):
            await asking


@pytest.mark.asyncio
async def test_a_rule_waits_for_one_of_another_hop(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "postgres", stack) as bed:
        other = await bed.control.lay("other", protocol="redis", upstream=stack.of(RedisServer).address)
        match = Match(direction="sent", text="GET first")
        await bed.control.arm(Rule(id="first", hop=other.name, match=match, action=Drop()))
        await bed.arm(Cut(), "sent", "SELECT 7", after="first")
        connection = await bed.postgres()
        assert await connection.fetchval("SELECT 7") == 7
        client = Redis(host="127.0.0.1", port=other.port, socket_timeout=WITHIN_S, retry=Retry(NoBackoff(), 0))
        asking = asyncio.ensure_future(client.get("first"))
        await bed.fired("first")
        with pytest.raises(asyncpg.ConnectionDoesNotExistError):
            await connection.fetchval("SELECT 7")
        await bed.control.cut_all(other.name)
        with pytest.raises(RedisConnectionError):
            await asking
        await client.aclose()


@pytest.mark.asyncio
async def test_cut_all(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "redis", stack) as bed:
        one, two = bed.redis(), bed.redis()
        await one.ping()
        await two.ping()
        assert await bed.control.cut_all("hop") == 2
        await bed.control.fired("sync")
        ended = [report for report in bed.control.reports() if isinstance(report, Ended)]
        assert sorted((each.connection, each.by) for each in ended) == [(1, "rule"), (2, "rule")]
        assert await bed.control.cut_all("hop") == 0


@pytest.mark.asyncio
async def test_a_release_by_count(relay: RelayServer) -> None:
    async with hand_made() as bench, laid_to(relay, "redis", bench.address) as bed:
        rule = await bed.arm(Hold(), "sent", "PING", always=True)
        pairs = []
        for number in range(3):
            service, server = await bench.connected(bed.hop.port), await bench.accepted()
            await service.sends(b"PING\r\n")
            pairs.append(server)
            assert len(await until_fired(bed, number + 1)) == number + 1
        assert await bed.control.release(rule, count=2) == 2
        assert [await server.gets(6) for server in pairs[:2]] == [b"PING\r\n"] * 2
        assert await bed.control.release(rule) == 1
        assert await pairs[2].gets(6) == b"PING\r\n"
