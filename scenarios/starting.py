"""The service gets a start that it must not accept, or ends and is started again."""

from harness import ENDS, REFUSED, UNKNOWN, Lab, link, postgres, process, proves, redis, server
from scenarios.words import REFUSED_CONNECT


@proves("start.degraded", fails="alive", match=REFUSED_CONNECT)
async def test_wrong_start_ends(lab: Lab) -> None:
    """A start that needs PostgreSQL ends with its reason. A usual one comes up without PostgreSQL, and refuses."""
    async with lab.inject(link.down(postgres)):
        needs_it = "WEBHOOK_START_DEGRADED=off"
        await lab.restart(needs_it, expect=ENDS, says=f"start_failed.*({REFUSED_CONNECT})", hides="Traceback")
        await lab.restart()
        await lab.deliver(expect=REFUSED)


@proves("redis.fail_open", fails="outcome", match=REFUSED_CONNECT)
async def test_start_with_other_settings(lab: Lab) -> None:
    """The service restarts on the same port, with an unpadded secret, without Redis. It is up, and stores."""
    async with lab.inject(link.down(redis)):
        await lab.restart("WEBHOOK_PORT={service.port}", "WEBHOOK_SOURCE_SECRETS=bank:whsec_MDEyMzQ1Njc4OWFiY2RlZg")
        await lab.deliver(3)


@proves("redis.fail_open", fails="outcome", match="redis.exceptions")
async def test_starts(lab: Lab) -> None:
    """Beside a service that works without Redis, wrong commands and settings fail with a message. Right ones start."""
    async with lab.inject(link.down(redis)):
        await lab.starts()
        await lab.deliver(3)


@proves("ack.after_commit", fails="outcome", match="acknowledged")
async def test_supervisor_starts_it_again(lab: Lab) -> None:
    """The service is killed while its COMMITs wait. A supervisor restarts it: nothing was promised, and it serves."""
    hold = server.hold_commits(postgres, "deliveries")
    await lab.inject(hold)
    async with lab.supervised(restarts=1):
        async with lab.deliver(2, expect=UNKNOWN):
            await lab.until(postgres.waiting("COMMIT", at_least=2))
            await lab.inject(process.kill())
        await lab.heal(hold)
    await lab.deliver(3)
