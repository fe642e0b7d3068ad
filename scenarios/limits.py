"""The service itself runs short of something, and gets it back."""

from harness import (
    ACKNOWLEDGED,
    REFUSED,
    Lab,
    link,
    nightly,
    postgres,
    process,
    proves,
    redis,
    server,
    service,
    syscall,
    wire,
)
from scenarios.words import UNHANDLED

BACKLOG = 2048
"""How often asyncio tries to accept before it pauses for a second: once for each place in the service's queue.

A shortage that ends earlier lets in the clients who are in the queue at that moment, and lets the later ones wait.
"""


@proves("errors.refuse", fails="log_clean", match=f"{UNHANDLED}OSError")
async def test_descriptors_run_out(lab: Lab) -> None:
    """No descriptor is left for a client or a server. Some clients are refused, some wait, and later all are served."""
    limit, inserts = process.limit(more_descriptors=1), wire.hold(postgres.sent("INSERT"))
    await lab.inject(limit, inserts)
    async with lab.deliver(60, expect=ACKNOWLEDGED | REFUSED):
        await lab.until(limit.fired())
        await lab.heal(limit, inserts)
    await lab.deliver(20)


@nightly("waits until one shortage counts as over")
@proves("errors.refuse", fails="log_clean", match=f"{UNHANDLED}OSError")
async def test_descriptors_run_out_again(lab: Lab) -> None:
    """The service runs out of descriptors twice. It logs the second shortage like the first, and one line is enough."""
    for shortage, clients in ((1, 60), (2, 240)):  # the second finds descriptors that the first has left free
        limit, lock = process.limit(more_descriptors=shortage), server.lock(postgres, "deliveries")
        await lab.inject(lock, limit)
        async with lab.deliver(clients, expect=ACKNOWLEDGED | REFUSED):
            await lab.until(limit.fired())
            await lab.until(postgres.waiting("INSERT"))
            await lab.heal(limit, lock)
        lab.expect(service.lines('"event": "accept_failed"'), at_least=shortage, at_most=2 * shortage)
        await lab.wait(6.5, because="a shortage that is not met for five seconds is over")
    await lab.deliver(20)


@proves("redis.fail_open", fails="outcome", match="redis.exceptions")
async def test_no_client_can_be_accepted(lab: Lab) -> None:
    """The system has no descriptor left for a client (ENFILE). New clients wait, and one line of the log says so."""
    async with lab.inject(syscall.no_descriptor(call="accept", errno="ENFILE", times=BACKLOG), link.down(redis)):
        await lab.deliver(3)
    lab.expect(service.lines('"event": "accept_failed"'), at_least=1, at_most=1)


@proves("errors.refuse", fails="outcome", match=f"{UNHANDLED}Too many open files in system")
async def test_no_socket_is_to_be_had(lab: Lab) -> None:
    """The system has no descriptor left for a socket (ENFILE). Deliveries are refused until there are some again."""
    async with lab.inject(syscall.no_descriptor(call="socket", errno="ENFILE")):
        await lab.deliver(3, expect=REFUSED)
    await lab.deliver(3)
