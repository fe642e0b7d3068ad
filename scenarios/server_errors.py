"""Errors that the servers themselves send at a statement, as a busy production database does."""

import pytest

from harness import REFUSED, Figure, Lab, link, postgres, proves, redis, server, service, wire
from scenarios.night import at_night

NO_KEY = "ALTER TABLE deliveries DROP CONSTRAINT deliveries_pkey"
A_KEY = "ALTER TABLE deliveries ADD PRIMARY KEY (source, id)"


def told(place: str, reason: str, cause: str, *, attempt: int = 1) -> Figure:
    """How many refusals the service's log tells with that place, reason, attempt and cause."""
    what = f'"event": "refused", "phase": "{place}", "reason": "{reason}"'
    return service.lines(f'{what}.*"attempt": {attempt}, "error": ".*{cause}')


def not_retried(error: str) -> pytest.MarkDecorator:
    """Without retries the delivery is refused, and the log names the error."""
    return proves("retry.database", fails="outcome", match=error)


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        pytest.param("INSERT", "40001", marks=not_retried("SerializationError"), id="serialization"),
        pytest.param("BEGIN", "40001", marks=not_retried("SerializationError"), id="serialization-at-begin"),
        pytest.param("COMMIT", "40001", marks=not_retried("SerializationError"), id="serialization-at-commit"),
        pytest.param("INSERT", "40P01", marks=not_retried("DeadlockDetectedError"), id="deadlock"),
        pytest.param("INSERT", "26000", marks=not_retried("InvalidSQLStatementNameError"), id="prepared-gone"),
    ],
)
async def test_postgres_error(lab: Lab, statement: str, code: str) -> None:
    """PostgreSQL takes the transaction back. The delivery is retried, and stored."""
    async with lab.inject(wire.fail(postgres.sent(statement), code=code)):
        await lab.deliver()


@proves("retry.database:two_tries", fails="outcome", match="SerializationError")
async def test_postgres_error_twice(lab: Lab) -> None:
    """The second try is turned back too. The third one stores the delivery, without much of a pause."""
    async with lab.inject(*(wire.fail(postgres.sent("INSERT", nth=n), code="40001") for n in (1, 2))):
        await lab.deliver(slower_ms_max=750)


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("25006", marks=not_retried("ReadOnlySQLTransactionError"), id="read-only"),
        pytest.param("26000", marks=not_retried("InvalidSQLStatementNameError"), id="prepared-gone"),
    ],
)
async def test_session_is_of_no_more_use(lab: Lab, code: str) -> None:
    """A session answers every INSERT with the same error, as after a failover. The service uses another one."""
    async with lab.inject(wire.fail(postgres.sent("INSERT", connection=1), code=code, always=True)):
        await lab.deliver()


@proves("retry.database", fails="outcome", match="AdminShutdownError|ConnectionDoesNotExistError")
async def test_postgres_shuts_down_in_mid_query(lab: Lab) -> None:
    """The administrator ends the session at the INSERT (57P01). The service uses another connection."""
    async with lab.inject(wire.fail(postgres.sent("INSERT"), code="57P01", fatal=True)):
        await lab.deliver()


@proves("errors.refuse", fails="outcome", match="unknown, status 500")
async def test_log_names_place_and_cause(lab: Lab) -> None:
    """Each refusal's line says what was under way, and what the server or the kernel said. A metric counts it."""
    for statement, place in (("BEGIN", "insert"), ("INSERT", "insert"), ("COMMIT", "commit")):
        async with lab.inject(wire.fail(postgres.sent(statement), code="40001", always=True)):
            await lab.deliver(expect=REFUSED)
        lab.expect(told(place, "serialization", "40001", attempt=3), at_least=1)
    async with lab.inject(wire.fail(postgres.sent("SELECT"), code="53100", always=True)):
        await lab.request("delivery", of=None, expect=REFUSED)
    lab.expect(told("select", "server_error", "53100"), at_least=1)
    async with lab.inject(link.down(postgres)):
        await lab.deliver(expect=REFUSED)
    lab.expect(told("checkout", "connect_failed", "Errno 111", attempt=3), at_least=1)
    for reason, times in (("serialization", 3), ("server_error", 1), ("connect_failed", 1)):
        lab.expect(service.metric("webhook_failures_total", reason=reason), at_least=times, at_most=times)


@proves("errors.refuse", fails="outcome", match="unknown, status 500")
async def test_unique_key_is_gone(lab: Lab) -> None:
    """A restore has left the key out. The service stores nothing whose repeats it could not recognise."""
    async with lab.inject(server.execute(postgres, NO_KEY, undo=A_KEY)):
        await lab.deliver(2, copies=2, expect=REFUSED)


@pytest.mark.parametrize(
    "code",
    [
        *("READONLY", "OOM"),
        *at_night("OOM tests the same by another word", "LOADING", "BUSY", "MASTERDOWN", "NOAUTH", "MOVED"),
    ],
)
@proves("redis.fail_open", fails="outcome", match="redis.exceptions")
async def test_redis_error(lab: Lab, code: str) -> None:
    """Whatever Redis answers, PostgreSQL recognises the repeats."""
    async with lab.inject(wire.fail(redis.sent("SET"), code=code, always=True)):
        await lab.deliver()  # alone, so that the other connections meet no error: they must outlast it
        await lab.deliver(5, copies=2)
