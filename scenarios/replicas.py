"""Reads and writes split: GET asks a standby, which may be behind, slow or away. Nothing acknowledged is denied."""

from typing import Literal

import pytest

from harness import ACKNOWLEDGED, REFUSED, Fault, Lab, Postgres, link, nightly, postgres, proves, server, service, wire

replica = Postgres("replica")
FROM_REPLICA = "WEBHOOK_REPLICA_URL={replica.url}"


@pytest.mark.parametrize(
    "fault",
    [
        server.pause_replay(replica),
        pytest.param(
            server.delay_replay(replica, delay_ms=3_600_000),
            marks=nightly("differs from the pause by its setting only"),
        ),
    ],
)
@proves("replica.absence_is_no_proof", fails="outcome", match="absent")
async def test_replica_behind(lab: Lab, fault: Fault) -> None:
    """The standby stops replaying. The primary shows what was acknowledged since."""
    await lab.restart(FROM_REPLICA)
    await lab.deliver()
    async with lab.inject(fault):
        await lab.deliver()
        await lab.request("delivery", of=0, expect=ACKNOWLEDGED)
        await lab.request("delivery", of=1, expect=ACKNOWLEDGED)
        await lab.until(service.metric_is("webhook_replica_lag_seconds", at_least=0.3))


@nightly("lets the lag grow for two and a half seconds, if it does")
@proves("replica.absence_is_no_proof", fails="outcome", match="absent")
async def test_replica_is_always_late(lab: Lab) -> None:
    """The standby is always a second late. The service reports that lag, and no more."""
    await lab.restart(FROM_REPLICA, "WEBHOOK_REPLICA_TIMEOUT_S=2")
    await lab.deliver()
    async with lab.inject(server.delay_replay(replica, delay_ms=900)), lab.traffic(clients=2):
        await lab.deliver()
        await lab.request("delivery", of=1, expect=ACKNOWLEDGED)
        await lab.wait(2.5, because="a lag that is never measured has grown as long by then")
        await lab.until(service.metric_is("webhook_replica_lag_seconds", at_most=2), within_s=5)


@proves("replica.fall_back", fails="outcome", match="refused")
async def test_replica_crashed(lab: Lab) -> None:
    """The standby is killed and stays away: the primary serves reads. Before, the reported lag is nothing.

    The primary also serves a read that fails once at the standby, which serves the next one again.
    """
    await lab.restart(FROM_REPLICA, "WEBHOOK_REPLICA_TIMEOUT_S=2")
    await lab.deliver()
    async with lab.inject(server.standby(replica)):
        await lab.deliver()
        async with lab.inject(wire.cut(replica.sent("SELECT deliveries"))):
            await lab.request("delivery", of=0, expect=ACKNOWLEDGED)
        async with lab.limits(service.metric("webhook_reads_total", server="replica"), at_least=1):
            await lab.request("delivery", of=0, expect=ACKNOWLEDGED)
        await lab.wait(0.6, because="nothing is written meanwhile, which is no lag")
        await lab.until(service.metric_is("webhook_replica_lag_seconds", at_most=0.3), within_s=2)
        async with (
            lab.inject(server.crash(replica, down_ms=None)),
            lab.limits(service.metric("webhook_reads_total", server="primary"), at_least=1),
        ):
            await lab.request("delivery", of=0, expect=ACKNOWLEDGED)
            await lab.until(service.metric_is("webhook_replica_lag_seconds", at_least=0.6))


@proves("replica.bounded", fails="outcome", match="refused")
async def test_replica_silent(lab: Lab) -> None:
    """The standby is silent. Each read waits for it briefly, then goes to the primary; the lag is shown."""
    # The service may be measuring the lag over its only connection. Then the read has to connect.
    await lab.restart(FROM_REPLICA, "WEBHOOK_REQUEST_TIMEOUT_S=1.5", "WEBHOOK_CONNECT_TIMEOUT_S=3")
    await lab.deliver()
    await lab.request("delivery", of=0, expect=ACKNOWLEDGED)
    async with (
        lab.limits(service.metric("webhook_replica_failures_total", reason="deadline"), at_least=1),
        lab.inject(link.swallow(replica)),
    ):
        await lab.request("delivery", of=0, expect=ACKNOWLEDGED)
        await lab.until(service.metric_is("webhook_replica_lag_seconds", at_least=0.4), within_s=3)


@proves("errors.refuse", fails="outcome", match="status 500")
async def test_primary_away_and_replica_behind(lab: Lab) -> None:
    """Without the primary, the service shows what the standby has. It refuses to read the rest, and denies nothing."""
    await lab.restart(FROM_REPLICA, "WEBHOOK_REPLICA_TIMEOUT_S=3")
    await lab.deliver()
    async with lab.inject(server.pause_replay(replica)):
        await lab.deliver()
        async with (
            lab.inject(link.down(postgres)),
            lab.limits(service.metric("webhook_reads_total", server="replica"), at_least=1),
        ):
            await lab.request("delivery", of=0, expect=ACKNOWLEDGED)
            await lab.request("delivery", of=1, expect=REFUSED)


@pytest.mark.parametrize(
    "former", ["follows", pytest.param("killed", marks=nightly("differs by what the old address answers"))]
)
@proves("primary.found", fails="outcome", match="refused")
async def test_primary_and_replica_swapped(lab: Lab, former: Literal["follows", "killed"]) -> None:
    """Deliveries find the new primary where the service only read before, though the old one is starting up, too."""
    await lab.restart(FROM_REPLICA)
    await lab.deliver(5)
    swapped = server.swap(replica, former=former)
    async with lab.inject(link.down(postgres), link.down(replica)):  # else a connect in mid-swap finds it by chance
        await lab.inject(swapped)
    await lab.deliver(5)
    await lab.request("delivery", of=0, expect=ACKNOWLEDGED)
    for _ in range(6):
        await lab.inject(link.cut(replica))
        await lab.deliver(5)
    lab.expect(service.lines('"event": "attempt_failed".*"reason": "read_only"'), at_most=0)  # it looks first
    if former == "follows":
        starting_up = wire.fail(postgres.sent(message="StartupMessage"), code="57P03", fatal=True, always=True)
        async with lab.inject(starting_up):
            await lab.restart(FROM_REPLICA)  # it knows nothing of the failover
            await lab.deliver(5)
        # Both addresses lead to one server: nothing is known of a replica, and the lag grows.
        await lab.until(service.metric_is("webhook_replica_lag_seconds", at_least=1))
        async with lab.inject(link.down(replica)):
            await lab.restart(FROM_REPLICA)
            await lab.request("delivery", of=0, expect=ACKNOWLEDGED)  # from the old primary, which only reads
    await lab.heal(swapped)
    # Five before it, ten until it was found twice, on a busy machine a dozen more: connects that ran out of time are
    # made again. Who asks the old address first each time connects there thirty times more.
    lab.expect(postgres.connects_peak(within_ms=60_000), at_most=35)


@proves("replica.fall_back", fails="outcome", match="refused")
async def test_read_cancelled_by_recovery(lab: Lab) -> None:
    """The standby's replay cancels a read (40001). The primary serves it."""
    await lab.restart(FROM_REPLICA)
    await lab.deliver()
    async with lab.inject(server.cancel_reads(replica, "deliveries")):
        await lab.request("delivery", of=0, expect=ACKNOWLEDGED)


@proves("replica.must_follow", fails="shows_what_was_sent")
async def test_replica_promoted_for_a_drill(lab: Lab) -> None:
    """The standby is promoted beside the primary, and somebody writes there. The service does not use it."""
    await lab.restart(FROM_REPLICA)
    await lab.deliver()
    drill = server.execute(replica, "UPDATE deliveries SET body = '{}'")
    async with lab.inject(server.promote_replica(replica)), lab.inject(drill):
        await lab.request("delivery", of=0, expect=ACKNOWLEDGED)
        await lab.deliver(3)
