"""Group commit, on a real PostgreSQL: what happens to one delivery of a batch does not concern the others."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from sqlalchemy.pool import QueuePool

from harness.polling import poll_async
from tests.webhook.support import PATIENT, SECRET, WAIT_S, Database, digest
from webhook.configuration.settings import load_settings
from webhook.database.engine import make_engine
from webhook.database.failures import CommitLostError, Reason
from webhook.database.group import Group, Limits
from webhook.database.store import Store
from webhook.delivery import Delivery, Phase, Progress, Stored
from webhook.logs import Log
from webhook.metrics import Metrics
from webhook.resilience.gate import Gate


def limits_of(**changed: object) -> Limits:
    usual: dict[str, object] = {
        "committers": 1, "most": 7, "alone": 8, "rows": 32, "bytes": 1 << 20, "quick_s": WAIT_S, "waiting": None,
        "wait_s": None, "newest_first": True,
    }  # fmt: skip
    return Limits(**usual | changed)  # type: ignore[arg-type]  # by name


def delivery(name: str, body: bytes = b"{}") -> Delivery:
    return Delivery("shop", name, body, digest(body))


@dataclass
class Grouped:
    """A group, and what was sent to it."""

    group: Group
    metrics: Metrics
    database: Database
    log: io.StringIO
    sent: dict[str, asyncio.Task[Stored]] = field(default_factory=dict)
    progress: dict[str, Progress] = field(default_factory=dict)

    def send(self, *names: str, body: bytes = b"{}", attempt: int = 1) -> None:
        for name in names:
            self.send_as(name, delivery(name, body), attempt=attempt)

    def send_as(self, name: str, one: Delivery, *, attempt: int = 1) -> None:
        self.progress[name] = Progress(one.source, one.id, attempt=attempt)
        self.sent[name] = asyncio.create_task(self.group.insert(one, self.progress[name]))

    async def until(self, there: Callable[[], bool]) -> None:
        async def look() -> bool:
            return there()

        assert await poll_async(look, within_s=WAIT_S)

    async def until_waiting(self, number: int) -> None:
        await self.until(lambda: self.group.waiting == number)

    async def answers(self, *names: str) -> Sequence[Stored | BaseException]:
        return await asyncio.gather(*(self.sent[name] for name in names), return_exceptions=True)

    async def reasons(self, *names: str) -> Sequence[str]:
        """`stored`, or why not."""
        answers = await self.answers(*names)
        return ["stored" if isinstance(each, Stored) else getattr(each, "reason", repr(each)) for each in answers]

    async def transactions(self) -> Mapping[str, str]:
        """Which transaction has stored each."""
        rows = await self.database.fetch("SELECT id, xmin::text AS by FROM deliveries")
        return {row["id"]: row["by"] for row in rows}

    async def end_waiting(self) -> None:
        await self.database.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )


@asynccontextmanager
async def grouped(
    database: Database, monkeypatch: pytest.MonkeyPatch, *, splits: bool = True, **changed: object
) -> AsyncIterator[Grouped]:
    urls = {"DATABASE_URL": database.url, "REDIS_URL": "redis://127.0.0.1:1/0", "WEBHOOK_SECRETS": SECRET}
    for name, value in {**urls, **PATIENT}.items():
        monkeypatch.setenv(name, value)
    engine = make_engine(load_settings())
    assert isinstance(engine.pool, QueuePool)
    metrics, written = Metrics(), io.StringIO()
    log = Log(written)
    gate = Gate(pool=engine.pool, connections=15, waiting_max=None, metrics=metrics)
    store = Store(engine, gate=gate, log=log)
    group = Group(store, limits=limits_of(**changed), splits=splits, metrics=metrics, log=log)
    try:
        yield Grouped(group, metrics, database, written)
    finally:
        await group.close()
        await store.close()


@pytest.mark.asyncio
async def test_what_comes_together_shares_a_transaction(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"d{number}" for number in range(9)]
    async with grouped(database, monkeypatch, rows=5) as all_of_them:
        for name in names:
            all_of_them.send(name, body=b'"%s"' % name.encode())
        answers = await all_of_them.answers(*names)
        by = await all_of_them.transactions()
    assert [each.id for each in answers if isinstance(each, Stored)] == names
    assert [each.sha256 for each in answers if isinstance(each, Stored)] == [
        digest(b'"%s"' % name.encode()) for name in names
    ]
    # The first went at once; then the five that came last, then the other three.
    groups = [{by[name] for name in some} for some in (["d0"], names[4:], names[1:4])]
    assert [len(each) for each in groups] == [1, 1, 1]
    assert len(set.union(*groups)) == 3
    assert await database.stored() != []


@pytest.mark.asyncio
async def test_a_repeat_and_a_conflict_are_told_from_what_is_new(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with grouped(database, monkeypatch) as some:
        some.send("old", "taken")
        old, taken = await some.answers("old", "taken")
        some.send("first")
        some.send_as("again", delivery("old"))
        some.send_as("conflict", delivery("taken", b'"other"'))
        some.send("new")
        some.send_as("newer", Delivery("bank", "new", b"1", digest(b"1")))  # another source's
        answers = await some.answers("first", "again", "conflict", "new", "newer")
    assert all(isinstance(each, Stored) for each in answers)
    first, again, conflict, new, newer = (each for each in answers if isinstance(each, Stored))
    assert isinstance(old, Stored)
    assert isinstance(taken, Stored)
    assert [each.repeated for each in (first, again, conflict, new, newer)] == [False, True, True, False, False]
    assert again.received_at == old.received_at
    assert (conflict.sha256, conflict.received_at) == (taken.sha256, taken.received_at)
    assert (newer.source, newer.sha256) == ("bank", digest(b"1"))
    assert new.received_at == newer.received_at


@pytest.mark.asyncio
async def test_two_of_one_key_are_never_in_one_batch(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with grouped(database, monkeypatch) as some:
        some.send("first")
        for name in ("a", "b", "c"):
            some.send_as(name, delivery("same", name.encode()))
        answers = await some.answers("a", "b", "c")
        assert len(await database.stored()) == 2
    stored = [each for each in answers if isinstance(each, Stored)]
    assert sorted(each.repeated for each in stored) == [False, True, True]
    assert len({each.sha256 for each in stored}) == 1


POISON = """
    CREATE FUNCTION bite() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF NEW.id LIKE 'bad%' THEN RAISE EXCEPTION 'bitten' USING ERRCODE = '{code}'; END IF; RETURN NEW; END $$;
    CREATE CONSTRAINT TRIGGER bite AFTER INSERT ON deliveries {when} FOR EACH ROW EXECUTE FUNCTION bite()
"""


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("code", "when", "reason"),
    [
        ("23514", "", Reason.FINAL),
        ("40001", "", Reason.SERIALIZATION),
        ("40001", "DEFERRABLE INITIALLY DEFERRED", Reason.SERIALIZATION),  # at the COMMIT
    ],
)
@pytest.mark.parametrize("splits", [True, False])
async def test_one_bad_row_is_its_own_affair(
    database: Database, monkeypatch: pytest.MonkeyPatch, *, splits: bool, code: str, when: str, reason: Reason
) -> None:
    for statement in POISON.format(code=code, when=when).split(";\n    CREATE CONSTRAINT"):
        await database.fetch(statement if "FUNCTION bite() RETURNS" in statement else f"CREATE CONSTRAINT{statement}")
    async with grouped(database, monkeypatch, splits=splits) as some:
        some.send("first", "a", "bad", "b")
        reasons = await some.reasons("first", "a", "bad", "b")
        others = "stored" if splits else reason
        assert reasons == ["stored", others, reason, others]
        assert {name for name, _ in await database.stored()} == ({"first", "a", "b"} if splits else {"first"})
        assert not any(each.in_doubt for name, each in some.progress.items() if name == "bad")
        assert some.metrics.registry.get_sample_value("webhook_batch_splits_total") == int(splits)
        assert ("batch_split" in some.log.getvalue()) is splits


@pytest.mark.asyncio
async def test_a_lost_connection_is_told_to_all_and_they_go_alone_then(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with grouped(database, monkeypatch) as some:
        async with database.locked():
            some.send("first")
            await database.until_waiting()
            some.send("a", "b", "c")
            await some.until_waiting(3)
            await some.end_waiting()
            await some.reasons("first")
            await database.until_waiting()
            await some.end_waiting()
            reasons = await some.reasons("a", "b", "c")
        assert reasons == [Reason.SHUTTING_DOWN] * 3
        errors = await some.answers("a", "b", "c")
        assert len({id(each) for each in errors}) == 3  # an exception of its own for each
        some.send("a", "b", "c", attempt=2)
        assert await some.reasons("a", "b", "c") == ["stored"] * 3
        by = await some.transactions()
    assert len({by[name] for name in "abc"}) == 3


@pytest.mark.asyncio
async def test_a_lost_commit_is_told_to_each(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    deferred = "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON deliveries DEFERRABLE INITIALLY DEFERRED"
    await database.fetch(
        "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NEW; END $$"
    )
    await database.fetch(f"{deferred} FOR EACH ROW EXECUTE FUNCTION late()")
    async with grouped(database, monkeypatch) as some:
        async with database.locked("SELECT pg_advisory_xact_lock(7)"):
            some.send("first")
            await database.until_waiting()
            some.send("a", "b", "c")
            await some.until_waiting(3)
            await some.end_waiting()
            await some.reasons("first")
            await database.until_waiting()
            await some.end_waiting()
            answers = await some.answers("a", "b", "c")
        assert [type(each) for each in answers] == [CommitLostError] * 3
        assert all(some.progress[name].in_doubt for name in "abc")


@pytest.mark.asyncio
async def test_who_gives_up_leaves_the_others(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with grouped(database, monkeypatch) as some:
        async with database.locked():
            some.send("first")
            await database.until_waiting()
            some.send("gone", "a", "b")
            await some.until_waiting(3)
            some.sent["gone"].cancel()
            await some.until_waiting(2)
            assert not some.progress["gone"].in_doubt
            some.send("left")
            await some.until_waiting(3)
            await some.end_waiting()
            await some.answers("first")
            await database.until_waiting()
            some.sent["left"].cancel()
            await some.answers("left")
            assert some.progress["left"].in_doubt
            assert some.progress["left"].phase is Phase.INSERT
        assert await some.reasons("a", "b") == ["stored", "stored"]
        # What nobody learns may be stored. What was given up before its turn came is not.
        assert {name for name, _ in await database.stored()} == {"a", "b", "left"}


@pytest.mark.asyncio
async def test_when_the_last_has_left_the_transaction_ends(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with grouped(database, monkeypatch) as some:
        async with database.locked():
            some.send("first")
            await database.until_waiting()
            some.send("a", "b")
            await some.until_waiting(2)
            some.sent["first"].cancel()
            await some.answers("first")
            await some.until(lambda: some.progress["a"].phase is Phase.INSERT)
            for name in ("a", "b"):
                some.sent[name].cancel()
                await some.answers(name)
            assert [some.progress[name].in_doubt for name in "ab"] == [True, False]
            await some.group.close()
        some.send("c")
        assert await some.reasons("c") == ["stored"]  # its place is free again
        assert [name for name, _ in await database.stored()] == ["c"]


@pytest.mark.asyncio
async def test_batches_are_bounded_in_bytes(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with grouped(database, monkeypatch, bytes=10, newest_first=False) as some:
        some.send("first")
        some.send("a", "b", "c", body=b"1234")
        some.send("large", body=b"1234567890ab")
        some.send("d")
        assert set(await some.reasons("first", "a", "b", "c", "large", "d")) == {"stored"}
        by = await some.transactions()
    assert by["a"] == by["b"] != by["c"]
    assert len({by[name] for name in ("c", "large", "d")}) == 3


@pytest.mark.asyncio
async def test_too_many_and_too_long(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with grouped(database, monkeypatch, waiting=2, wait_s=0.05) as some:
        async with database.locked():
            some.send("first", "a", "b", "c")
            assert await some.reasons("c", "a", "b") == [Reason.SHED, Reason.POOL_TIMEOUT, Reason.POOL_TIMEOUT]
            assert some.group.waiting == 0
        assert await some.reasons("first") == ["stored"]


@pytest.mark.asyncio
async def test_one_that_hangs_holds_nobody_up(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with grouped(database, monkeypatch, quick_s=0.01, most=2) as some:
        async with database.locked("INSERT INTO deliveries VALUES ('shop', 'held', '', '')"):
            some.send("held", "a", "b")
            assert await some.reasons("a", "b") == ["stored", "stored"]
            assert not some.sent["held"].done()
            some.send("c")
            assert await some.reasons("c") == ["stored"]
        await some.answers("held")
        some.send("d", "e", "f")
        assert await some.reasons("d", "e", "f") == ["stored"] * 3


@pytest.mark.asyncio
async def test_a_copy_of_what_is_looked_into_waits_for_that(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with grouped(database, monkeypatch) as some:
        async with database.locked("INSERT INTO deliveries VALUES ('shop', 'same', '', '')"):
            some.send("same", attempt=2)
            await database.until_waiting()
            some.send_as("copy", delivery("same"))
            some.send("a", "b", "c")
            assert await some.reasons("a", "b", "c") == ["stored"] * 3
            assert some.group.waiting == 1
        assert await some.reasons("same", "copy") == ["stored", "stored"]


@pytest.mark.asyncio
async def test_what_goes_alone_waits_for_its_turn_too(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with grouped(database, monkeypatch, alone=1, wait_s=0.05) as some:
        async with database.locked():
            some.send("a", attempt=2)
            await database.until_waiting()
            some.send("b", attempt=2)
            assert await some.reasons("b") == [Reason.POOL_TIMEOUT]
        assert await some.reasons("a") == ["stored"]
        some.send("c", attempt=2)
        assert await some.reasons("c") == ["stored"]
