"""Production's alerts (ops/alerts.yml) fire in a real Prometheus when they must, and end when the cause is gone."""

from harness import (
    ACKNOWLEDGED,
    ANY_OUTCOME,
    Lab,
    Postgres,
    link,
    needs,
    nightly,
    postgres,
    proves,
    redis,
    server,
    service,
    wire,
)

WAITS = nightly("waits for rules that take a minute or more in production, 30 times as fast")
NOTHING_STORED = ("WebhookWritesGone", "WebhookRetryStorm")
UNCOUNTED = proves("errors.refuse", fails="alerts", match="WebhookWritesGone did not fire")
"""A failure that nothing catches is counted nowhere."""


@WAITS
@needs("prometheus")
@proves("retry.database", fails="outcome", match="refused")
async def test_nobody_is_woken_for_what_is_mended(lab: Lab) -> None:
    """PostgreSQL is slow, which keeps half of the pool busy, and one INSERT is cut: no alert fires."""
    async with lab.alerts(), lab.traffic(clients=7), lab.inject(link.latency(postgres, latency_ms=100)):
        await lab.until(service.answers(at_least=60), within_s=20)
        await lab.inject(wire.cut(postgres.answered("INSERT")))
        await lab.until(service.answers(at_least=40), within_s=20)


@WAITS
@needs("prometheus")
@UNCOUNTED
async def test_alerts_while_postgres_is_away(lab: Lab) -> None:
    """PostgreSQL cannot be reached. The alerts say so, and that nothing is acknowledged."""
    gone = "WebhookDatabaseUnreachable"
    async with lab.alerts(gone, *NOTHING_STORED), lab.traffic(clients=1, small=True, expect=ANY_OUTCOME):
        async with lab.inject(link.down(postgres)):
            await _all_fire(lab, gone, *NOTHING_STORED)
        await lab.until(service.answers(at_least=60))  # which fill the budget of retries again


@WAITS
@needs("prometheus")
@proves("redis.fail_open", fails="outcome", match="redis.exceptions|TimeoutError")
async def test_alert_while_redis_is_away(lab: Lab) -> None:
    """Redis cannot be reached for long. Nothing is refused, and an alert says that Redis is missing."""
    async with lab.alerts("WebhookDegraded"), lab.traffic(clients=1, small=True), lab.inject(link.down(redis)):
        await lab.until(service.alert("WebhookDegraded"), within_s=20)


@WAITS
@needs("prometheus")
@UNCOUNTED
async def test_alert_when_the_pool_is_nearly_exhausted(lab: Lab) -> None:
    """Every connection of the pool waits for a lock. The alerts say so, and that nothing is acknowledged."""
    full = "WebhookPoolNearExhaustion"
    slow = lab.traffic(clients=18, expect=ANY_OUTCOME)
    async with lab.alerts(full, "WebhookWritesGone"), slow, lab.inject(server.lock(postgres, "deliveries")):
        await _all_fire(lab, full, "WebhookWritesGone")


@WAITS
@needs("prometheus", "own_postgres")
@UNCOUNTED
async def test_alert_when_postgres_has_no_connection_left(lab: Lab) -> None:
    """PostgreSQL has no connection left for the service. The alerts say so, and that nothing is acknowledged."""
    full = "WebhookServerConnectionsExhausted"
    async with lab.alerts(full, *NOTHING_STORED), lab.traffic(clients=1, small=True, expect=ANY_OUTCOME):
        async with lab.inject(server.limit_connections(postgres, 0), link.cut(postgres)):
            await _all_fire(lab, full, *NOTHING_STORED)
        await lab.until(service.answers(at_least=60))


@nightly("waits until a replica is a minute behind, which no rule makes faster")
@needs("prometheus")
@proves("replica.absence_is_no_proof", fails="outcome", match="absent")
async def test_alert_while_the_replica_is_behind(lab: Lab) -> None:
    """The standby stops replaying. An alert fires when it is a minute behind, and nothing is denied meanwhile."""
    replica = Postgres("replica")
    await lab.restart("WEBHOOK_REPLICA_URL={replica.url}")
    behind = server.pause_replay(replica)
    async with lab.inject(server.standby(replica)), lab.alerts("WebhookReplicaLag"), lab.inject(behind):
        await lab.deliver()
        await lab.request("delivery", of=0, expect=ACKNOWLEDGED)
        await lab.until(service.alert("WebhookReplicaLag"), within_s=120)


async def _all_fire(lab: Lab, *names: str) -> None:
    for name in names:
        await lab.until(service.alert(name), within_s=20)
