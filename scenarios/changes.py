"""Changes that a migration or an operator makes in PostgreSQL while deliveries come."""

from harness import ACKNOWLEDGED, REFUSED, Lab, link, postgres, proves, server, wire
from scenarios.words import UNHANDLED

OTHER_TYPES = "ALTER TABLE deliveries ALTER received_at TYPE timestamptz(6), ALTER sha256 TYPE varchar(64)"
STRICTER = "ALTER ROLE CURRENT_USER SET default_transaction_isolation = 'repeatable read'"
GRUMBLES = """
CREATE FUNCTION grumble() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE WARNING 'slow audit'; RETURN NEW; END$$;
CREATE TRIGGER grumble BEFORE INSERT ON deliveries FOR EACH ROW EXECUTE FUNCTION grumble()"""
SHORTER = "ALTER ROLE CURRENT_USER SET statement_timeout = '100ms'"


@proves("retry.database", fails="outcome", match="InvalidCachedStatementError")
async def test_column_types_changed(lab: Lab) -> None:
    """Statements that open connections have prepared return other types (0A000). They are prepared anew.

    The deliveries come first: the first one to meet it has all connections prepare anew. A read would not be retried.
    """
    await lab.deliver(5)
    await lab.inject(server.migrate(postgres, OTHER_TYPES))
    await lab.deliver(5)
    await lab.request("delivery", of=0, expect=ACKNOWLEDGED)


@proves("retry.database", fails="outcome", match="SerializationError")
async def test_two_copies_under_a_stricter_isolation(lab: Lab) -> None:
    """A transaction sees nothing that began later. PostgreSQL turns back one of two copies for real (40001)."""
    await lab.inject(server.migrate(postgres, STRICTER), link.cut(postgres))
    async with lab.inject(commit := wire.hold(postgres.sent("COMMIT"))), lab.deliver(copies=2):
        await lab.until(postgres.waiting("INSERT"))
        await lab.heal(commit)


@proves("retry.database", fails="outcome", match="SerializationError")
async def test_trigger_warns(lab: Lab) -> None:
    """An operator's trigger warns at each INSERT. The warning puts no COMMIT in doubt."""
    await lab.inject(server.migrate(postgres, GRUMBLES))
    async with lab.inject(wire.fail(postgres.sent("INSERT"), code="40001")):
        await lab.deliver(3)


@proves("retry.database", fails="outcome", match="DeadlockDetectedError")
async def test_deadlock_with_another_session(lab: Lab) -> None:
    """A delivery and another session wait for each other. PostgreSQL turns the delivery back (40P01): it is retried."""
    async with lab.inject(server.deadlock(postgres, "deliveries", at=postgres.sent("COMMIT"))):
        await lab.deliver()
    await lab.deliver()


@proves("deadline.statement", fails="outcome", match="QueryCanceledError")
async def test_operator_shortens_statements(lab: Lab) -> None:
    """The role's statements end after a tenth of a second. The service sets its own limit, and waits for a lock."""
    await lab.inject(server.migrate(postgres, SHORTER), link.cut(postgres))
    async with lab.inject(lock := server.lock(postgres, "deliveries")), lab.deliver():
        await lab.until(lock.fired())
        await lab.wait(0.2, because="the role's limit is half of that")
        await lab.heal(lock)


@proves("errors.refuse", fails="outcome", match=f"{UNHANDLED}LockNotAvailableError")
async def test_migration_waits_for_a_transaction(lab: Lab) -> None:
    """A migration waits for one delivery's transaction. Others wait behind it, and are refused until it has ended."""
    await lab.restart("WEBHOOK_SERVER_LOCK_TIMEOUT_S=0.3")
    commit = wire.hold(postgres.sent("COMMIT"))
    migration = server.migrate(postgres, "ALTER TABLE deliveries ADD remark text", at=commit.fired())
    async with lab.inject(commit, migration), lab.deliver():
        await lab.until(postgres.waiting("ALTER TABLE"))
        await lab.deliver(3, expect=REFUSED)
        await lab.heal(commit)
    await lab.deliver(3)


@proves("errors.refuse", fails="outcome", match=f"{UNHANDLED}InvalidPasswordError")
async def test_password_changed(lab: Lab) -> None:
    """PostgreSQL's password changes. Open connections go on; new ones are rejected (28P01) until it is right again."""
    async with lab.inject(server.change_password(postgres)):
        await lab.deliver()
        async with lab.inject(link.cut(postgres)):
            await lab.deliver(5, expect=REFUSED)
    await lab.deliver(5)
