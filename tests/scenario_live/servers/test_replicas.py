"""A standby behind the link that reads: made by a fault, told by what was read there, and gone when it is healed."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from harness import ANY_OUTCOME, Fault, Lab, Postgres, postgres, server
from harness.checks import Verdict
from harness.history.events import FailedOver
from harness.protocols.postgres.probes import session
from harness.protocols.postgres.server import PostgresServer
from tests.scenario_live.support import Runs, all_mended, asked, evidence, history_of, site_of

REPLICA = Postgres("replica")
PAUSED = server.pause_replay(REPLICA)
FROM_REPLICA = "WEBHOOK_REPLICA_URL={replica.url}"


def _ask(primary: PostgresServer, sql: str) -> Any:
    async def ask() -> Any:
        async with session(primary.url()) as asking:
            return await asking.fetchval(sql)

    return asyncio.run(ask())


NO_EVIDENCE = " left no evidence that the service felt it"
NOT_FELT = " was carried out, but nothing shows that the service felt it: "


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (PAUSED, NO_EVIDENCE),
        (server.cancel_reads(REPLICA, "deliveries"), NO_EVIDENCE),
        (server.promote_replica(REPLICA), NO_EVIDENCE),
        (server.standby(REPLICA), NOT_FELT),
    ],
    ids=["pause_replay", "cancel_reads", "promote_replica", "standby"],
)
def test_a_standby_that_the_service_does_not_read_is_no_evidence(runs: Runs, fault: Fault, told: str) -> None:
    led_to = []  # a run without evidence is inconclusive, whatever its scenario asserts

    async def play(lab: Lab) -> None:
        await lab.deliver()
        async with lab.inject(fault):
            led_to.append(site_of(lab).laid(REPLICA).server)
        led_to.append(site_of(lab).laid(REPLICA).server)
        await lab.deliver()

    result = runs(play)

    assert led_to == ["replica", "postgres"]

    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reason.startswith(f"{fault!r}{told}")
    assert _ask(runs.bed.stack.of(PostgresServer), "SELECT count(*) FROM pg_stat_replication") == 0
    assert all_mended(runs.bed, fault)


def test_a_standby_that_has_died_is_given_up_all_the_same(runs: Runs) -> None:
    led_to = []

    async def play(lab: Lab) -> None:
        await lab.inject(PAUSED)
        site = site_of(lab)
        await asyncio.to_thread(site.servers[REPLICA.name].stop, how="immediate")
        try:
            await lab.heal(PAUSED)
        finally:
            led_to.append(site.laid(REPLICA).server)

    result = runs(play)

    assert led_to == ["postgres"]
    assert result.verdict is Verdict.INCONCLUSIVE


def test_a_new_primary_that_has_died_leaves_no_standby_behind(runs: Runs) -> None:
    led_to = []
    fault = server.swap(REPLICA, former="killed")

    async def play(lab: Lab) -> None:
        await lab.inject(fault)
        site = site_of(lab)
        primary = site.servers["postgres"]
        await asyncio.to_thread(primary.stop, how="immediate")
        try:
            await lab.heal(fault)
        finally:
            await asyncio.to_thread(primary.start_again)
            led_to.append((site.laid(REPLICA).server, sorted(site.servers)))

    result = runs(play)

    assert led_to == [("postgres", ["postgres", "redis"])]
    assert result.verdict is Verdict.INCONCLUSIVE


def test_the_migration_that_cancelled_a_read_is_over_at_once(runs: Runs) -> None:
    fault = server.cancel_reads(REPLICA, "deliveries")

    async def play(lab: Lab) -> None:
        await lab.restart(FROM_REPLICA)
        await lab.deliver()
        async with lab.inject(fault):
            await lab.request("delivery", of=0)
            await lab.until(fault.fired())
            await lab.deliver()  # the table is locked no more

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result)[repr(fault)] == {"reads_cancelled": 1}


def test_a_read_of_what_the_standby_has_is_no_stale_read(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        await lab.restart(FROM_REPLICA)
        await lab.deliver()
        async with lab.inject(PAUSED):
            await lab.request("delivery", of=0)

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert not evidence(result)[repr(PAUSED)]


def test_both_links_lead_to_the_new_primary_after_a_swap(runs: Runs) -> None:
    primary = runs.bed.stack.of(PostgresServer)
    before, fault = primary.port, server.swap(REPLICA)

    async def play(lab: Lab) -> None:
        await lab.restart(FROM_REPLICA)
        async with lab.inject(fault):
            site = site_of(lab)
            assert site.laid(postgres).upstream.port == before, "no address follows"
            assert await asked(lab, "SELECT count(*) FROM pg_stat_replication") == 1, "the old primary follows"
            await lab.deliver(2)
        assert {site.laid(link).upstream.port for link in (postgres, REPLICA)} == {primary.port}
        await lab.deliver(2)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert set(evidence(result)[repr(fault)]) == {"new_primary_used"}
    (failed_over,) = history_of(result).of(FailedOver)
    assert (failed_over.server, failed_over.lacked) == ("postgres", ())
    assert primary.port != before
    with pytest.raises(ConnectionRefusedError):  # the old one has ended
        socket.create_connection(("127.0.0.1", before)).close()
    assert _ask(primary, "SELECT pg_is_in_recovery()") is False
    assert runs.bed.stack.dead() is None
    assert all_mended(runs.bed, fault)


def test_a_service_that_does_not_find_it_has_felt_the_swap(runs: Runs) -> None:
    fault = server.swap(REPLICA, former="killed", at=postgres.sent("COMMIT"))

    async def play(lab: Lab) -> None:
        async with lab.inject(fault):
            assert await asked(lab, "SHOW synchronous_standby_names") == "*", "nothing acknowledged may be lost"
            await lab.deliver(2, expect=ANY_OUTCOME)
        await lab.deliver(2)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert set(evidence(result)[repr(fault)]) == {"primary_not_found"}


def test_a_swap_while_nothing_is_asked_of_the_service_proves_nothing(runs: Runs) -> None:
    """Its connections at rest end with the old primary: it has not looked for the new one."""
    fault = server.swap(REPLICA)

    async def play(lab: Lab) -> None:
        await lab.deliver()
        async with lab.inject(fault):
            pass
        await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "left no evidence" in result.reason
    assert not evidence(result)[repr(fault)]


def test_a_link_that_reads_no_replica_has_no_standby(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(server.pause_replay(postgres)):
            await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "link = 'postgres': the service reads no replica on it; " in result.reason
