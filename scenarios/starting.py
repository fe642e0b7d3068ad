"""The service is told to start in a way that it must not accept, or ends and is started again."""

from harness import ENDS, REFUSED, UNKNOWN, Lab, link, postgres, process, proves, redis, server
from scenarios.words import REFUSED_CONNECT

PASSWORD = "hunter2"  # noqa: S105  # no server has it: it must not be shown
WRONG = (
    ("WEBHOOK_POOLSIZE=5", "WEBHOOK_POOLSIZE: there is no such setting; did you mean WEBHOOK_POOL_SIZE"),
    (f"DATABASE_URL=postgresql://webhook:{PASSWORD}@127.0.0.1:1/", "DATABASE_URL=.not shown.: .*names no database"),
    (f"REDIS_URL=http://:{PASSWORD}@127.0.0.1:1/0", "REDIS_URL=.not shown.: the scheme 'http'"),
    (f"WEBHOOK_SECRETS=whsec_{PASSWORD}=", "WEBHOOK_SECRETS=.not shown.: secret 1 has 5 bytes; from 16 to 128"),
    ("WEBHOOK_POOL_SIZE=0", "WEBHOOK_POOL_SIZE='0': .*a whole number from 1"),
)
"""All of them are told at once, in this order."""
WRONG_ALONE = (
    ("webhook_pool_sise=5", "webhook_pool_sise: there is no such setting; did you mean WEBHOOK_POOL_SIZE"),
    ("WEBHOOK_ACK_AFTER_COMMIT=off", "set WEBHOOK_ALLOW_UNSAFE=1"),
    ("WEBHOOK_DRAIN_GRACE_S=1", "WEBHOOK_DRAIN_GRACE_S=1 must not be below WEBHOOK_REQUEST_TIMEOUT_S=5"),
    ("WEBHOOK_START_DEGRADED=off", f"start_failed.*({REFUSED_CONNECT})"),
)


@proves("start.degraded", fails="alive", match=REFUSED_CONNECT)
async def test_wrong_start_ends(lab: Lab) -> None:
    """Each wrong setting ends the start and is named, without a password; a right one starts without PostgreSQL."""
    async with lab.inject(link.down(postgres)):
        settings, reasons = zip(*WRONG, strict=True)
        await lab.restart(*settings, expect=ENDS, says="(?s)" + ".*".join(reasons), hides=PASSWORD)
        for setting, says in WRONG_ALONE:
            await lab.restart(setting, expect=ENDS, says=says)
        await lab.restart()
        await lab.deliver(expect=REFUSED)


@proves("redis.fail_open", fails="outcome", match=REFUSED_CONNECT)
async def test_start_with_other_settings(lab: Lab) -> None:
    """On the port that it just had, with a secret that lacks its padding, without Redis: it is up, and stores."""
    async with lab.inject(link.down(redis)):
        await lab.restart("WEBHOOK_PORT={service.port}", "WEBHOOK_SOURCE_SECRETS=bank:whsec_MDEyMzQ1Njc4OWFiY2RlZg")
        await lab.deliver(3)


@proves("redis.fail_open", fails="outcome", match="redis.exceptions")
async def test_starts(lab: Lab) -> None:
    """Beside the service, which serves on without Redis: wrong commands and settings fail with words, right ones do."""
    async with lab.inject(link.down(redis)):
        await lab.starts()
        await lab.deliver(3)


@proves("ack.after_commit", fails="outcome", match="acknowledged")
async def test_supervisor_starts_it_again(lab: Lab) -> None:
    """Killed while its COMMITs wait, it is started again by a supervisor: nothing was promised, and it serves."""
    hold = server.hold_commits(postgres, "deliveries")
    await lab.inject(hold)
    async with lab.supervised(restarts=1):
        async with lab.deliver(2, expect=UNKNOWN):
            await lab.until(postgres.waiting("COMMIT", at_least=2))
            await lab.inject(process.kill())
        await lab.heal(hold)
    await lab.deliver(3)
