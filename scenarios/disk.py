"""The disk of PostgreSQL is full, and has room again; or it fails."""

from harness import ACKNOWLEDGED, REFUSED, UNKNOWN, Lab, nightly, postgres, proves, server
from scenarios.words import UNHANDLED


@proves("errors.refuse", fails="outcome", match=f"{UNHANDLED}DiskFullError")
async def test_disk_full(lab: Lab) -> None:
    """PostgreSQL has no room for a row (53100). The service refuses in time, shows what it has, and recovers."""
    await lab.deliver()
    async with lab.inject(server.fill_disk(postgres, "deliveries")):
        await lab.deliver(5, expect=ACKNOWLEDGED | REFUSED)
        await lab.request("delivery", of=0, expect=ACKNOWLEDGED)
    await lab.deliver(5)


@proves("commit.resolve", fails="outcome", match="unknown")
async def test_log_is_not_made_sure_of(lab: Lab) -> None:
    """A COMMIT's fsync fails (EIO). PostgreSQL panics instead of answering, recovers, and has the row all the same."""
    async with lab.inject(server.fail_sync(postgres, at=postgres.sent("COMMIT"))):
        await lab.deliver()


@proves("ack.after_commit", fails="acknowledged_is_stored")
async def test_tables_are_not_made_sure_of(lab: Lab) -> None:
    """A checkpoint's fsync fails (ENOSPC) during a COMMIT. PostgreSQL panics, and the delivery is stored anew."""
    async with lab.inject(server.fail_sync(postgres, of="tables", errno="ENOSPC", at=postgres.sent("COMMIT"))):
        await lab.deliver()


@proves("ack.after_commit", fails="acknowledged_is_stored")
async def test_log_is_not_written(lab: Lab) -> None:
    """A COMMIT's write fails (ENOSPC). PostgreSQL panics instead of answering, without the row: it is stored anew."""
    async with lab.inject(server.fail_write(postgres, errno="ENOSPC", at=postgres.sent("COMMIT"))):
        await lab.deliver()


@proves("errors.refuse", fails="outcome", match=f"{UNHANDLED}PostgresIOError")
async def test_table_cannot_grow(lab: Lab) -> None:
    """Each new page of the table fails (EIO). The service refuses in time, shows what is stored, and recovers."""
    await lab.deliver()
    async with lab.inject(server.fail_write(postgres, "deliveries")):
        await lab.deliver(5, expect=ACKNOWLEDGED | REFUSED)  # one may find room
        await lab.request("delivery", of=0, expect=ACKNOWLEDGED)
    await lab.deliver(5)


@nightly("PostgreSQL stays away until it is healed, and requests wait for it")
@proves("ack.after_commit", fails="outcome", match="acknowledged")
async def test_log_is_not_made_sure_of_and_nothing_restarts(lab: Lab) -> None:
    """A COMMIT's fsync fails, and PostgreSQL stays down. The delivery is stored, so it must not be refused."""
    await lab.restart("WEBHOOK_REQUEST_TIMEOUT_S=1")
    async with lab.inject(server.fail_sync(postgres, comes_back=False, at=postgres.sent("COMMIT"))):
        await lab.deliver(expect=UNKNOWN)
        await lab.deliver(expect=REFUSED)


@nightly("PostgreSQL recovers for seconds; a crash tests the same")
@proves("ack.after_commit", fails="acknowledged_is_stored")
async def test_disk_of_the_log_full(lab: Lab) -> None:
    """PostgreSQL cannot write its log, panics and stays away. Nothing acknowledged is lost; with room all is well."""
    await lab.restart("WEBHOOK_REQUEST_TIMEOUT_S=1")
    await lab.deliver(5)
    async with lab.inject(server.fill_log_disk(postgres)):
        await lab.deliver(5, expect=REFUSED | UNKNOWN)
    await lab.deliver(5)
