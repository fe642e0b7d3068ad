"""PostgreSQL's disk is full, for real."""

from __future__ import annotations

from harness import ACKNOWLEDGED, ANY_OUTCOME, REFUSED, Lab, postgres, server
from harness.checks import Verdict
from tests.scenario_live.support import Runs, all_mended, asked, evidence

OPTIONS = "SELECT reloptions FROM pg_class WHERE relname = 'deliveries'"


def test_a_full_disk_refuses_until_there_is_room(runs: Runs) -> None:
    fault = server.fill_disk(postgres, "deliveries")

    async def play(lab: Lab) -> None:
        await asked(lab, "ALTER TABLE deliveries SET (autovacuum_vacuum_threshold = 99)")
        await lab.deliver(2)
        async with lab.inject(fault):
            await lab.deliver(5, expect=ACKNOWLEDGED | REFUSED)
            await lab.until(fault.fired())
        await lab.deliver(2)
        assert await asked(lab, OPTIONS) == ["autovacuum_vacuum_threshold=99"]

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result)[repr(fault)] == {"disk_full": 1}
    assert all_mended(runs.bed, fault)


def test_a_full_disk_that_nobody_met_proves_nothing(runs: Runs) -> None:
    fault = server.fill_disk(postgres, "deliveries")

    left = []  # a run without evidence is inconclusive, whatever its scenario asserts

    async def play(lab: Lab) -> None:
        await asked(lab, "ALTER TABLE deliveries SET (fillfactor = 70)")
        async with lab.inject(fault):
            pass
        left.append(await asked(lab, OPTIONS))
        await lab.deliver()

    result = runs(play)

    assert left == [["fillfactor=70"]]

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "left no evidence" in result.reason
    assert all_mended(runs.bed, fault)


def test_a_server_without_room_for_its_log_ends_and_comes_back(runs: Runs) -> None:
    fault = server.fill_log_disk(postgres)

    async def play(lab: Lab) -> None:
        await lab.deliver(2)
        async with lab.inject(fault):
            await lab.deliver(expect=ANY_OUTCOME)
        await lab.deliver(2)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result)[repr(fault)] == {"log_disk_full": 1}
    assert all_mended(runs.bed, fault)
