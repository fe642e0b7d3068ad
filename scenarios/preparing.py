"""The schema is brought up to date: by two at once, with a cut connection, once more, and without PostgreSQL."""

from harness import ANY_OUTCOME, REFUSED, Lab, link, postgres, proves, redis, server, wire
from scenarios.words import REFUSED_CONNECT

NO_FAIL_OPEN = proves("redis.fail_open", fails="outcome", match=REFUSED_CONNECT)
FORGET = "CREATE SCHEMA lost; ALTER TABLE alembic_version SET SCHEMA lost"
REMEMBER = "DROP TABLE IF EXISTS alembic_version; ALTER TABLE lost.alembic_version SET SCHEMA public; DROP SCHEMA lost"


@NO_FAIL_OPEN
async def test_two_prepare_at_once(lab: Lab) -> None:
    """On an empty database one process makes the tables, the other waits for its COMMIT. Both end well."""
    async with lab.inject(link.down(redis), hold := wire.hold(postgres.sent("COMMIT"))):
        async with lab.prepare(copies=2, empty=True):
            await lab.until(hold.fired())
            await lab.until(postgres.waiting(""))
            await lab.heal(hold)
        await lab.deliver()


@NO_FAIL_OPEN
async def test_prepare_breaks_off(lab: Lab) -> None:
    """The connection breaks while the tables are made. Nothing of them stays, and the next try makes them all."""
    async with lab.inject(link.down(redis), wire.cut(postgres.sent("INSERT INTO alembic_version"))):
        await lab.prepare(tries=2, empty=True)
        await lab.deliver()


@proves("errors.refuse", fails="log_clean", match="Exception in ASGI application")
async def test_prepared_again(lab: Lab) -> None:
    """Preparing again changes nothing, and does not wait for a locked table.

    Without PostgreSQL, or without its record of migrations, it fails and loses nothing.
    """
    await lab.deliver(3)
    async with lab.inject(lock := server.lock(postgres, "deliveries")), lab.deliver(expect=ANY_OUTCOME):
        await lab.until(lock.fired())
        await lab.prepare()
        await lab.heal(lock)
    async with lab.inject(link.down(postgres)):
        await lab.deliver(expect=REFUSED)
        await lab.prepare(fails=True, says=REFUSED_CONNECT, hides="Traceback")
    async with lab.inject(server.execute(postgres, FORGET, undo=REMEMBER)):
        await lab.prepare(fails=True, says='The migration failed: .*"deliveries" already exists', hides="Traceback")
