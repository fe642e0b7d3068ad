"""PostgreSQL's disk is full, for real."""

from __future__ import annotations

import pytest

from harness import ACKNOWLEDGED, ANY_OUTCOME, REFUSED, Lab, postgres, server
from harness.checks import Verdict
from harness.errors import UsageError
from harness.processes.keeper import KeptProcess
from harness.protocols.postgres.disks.failing import Synced
from tests.scenario_live.support import Runs, all_mended, asked, evidence, site_of

SETTINGS = "SELECT current_setting('fsync')"
OPTIONS = "SELECT reloptions FROM pg_class WHERE relname = 'deliveries'"


def watched_calls(lab: Lab) -> frozenset[str]:
    process = site_of(lab).servers["postgres"].process
    assert isinstance(process, KeptProcess)
    return process.spec.watched_calls


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


@pytest.mark.parametrize("of", ["log", "tables"])
def test_what_the_disk_does_not_confirm_is_not_lost(runs: Runs, of: Synced) -> None:
    fault = server.fail_sync(postgres, of=of, at=postgres.sent("COMMIT"))

    async def play(lab: Lab) -> None:
        async with lab.inject(fault):
            await lab.deliver(expect=ANY_OUTCOME)
            await lab.until(fault.fired())
        assert await asked(lab, SETTINGS) == "off"
        await lab.deliver(2)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    [seen] = [each for each in result.evidence if each.kind == "sync_failed"]
    assert "1 call answered: f" in seen.detail
    assert "said: PANIC: could not f" in seen.detail
    assert all_mended(runs.bed, fault)


def test_a_disk_whose_word_nobody_asked_for_proves_nothing(runs: Runs) -> None:
    """A server that was told to stay down after a crash did not crash, and is as it was."""
    fault = server.fail_sync(postgres, comes_back=False)

    async def play(lab: Lab) -> None:
        async with lab.inject(fault):
            pass
        await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "left no evidence" in result.reason
    assert all_mended(runs.bed, fault)


def test_what_the_log_did_not_take_is_stored_anew(runs: Runs) -> None:
    """The server is as it was: its writes are watched only as long as the fault may strike."""
    fault = server.fail_write(postgres, at=postgres.sent("COMMIT"))
    watched = []

    async def play(lab: Lab) -> None:
        async with lab.inject(fault):
            watched.append(watched_calls(lab))
            await lab.deliver()
            await lab.until(fault.fired())
        watched.append(watched_calls(lab))
        await lab.deliver(2)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    [seen] = [each for each in result.evidence if each.kind == "write_failed"]
    assert "1 calls answered, the first pwrite() of process" in seen.detail
    assert "the server said 1 times: could not write to log file" in seen.detail
    assert watched == [{"fsync", "fdatasync", "pwrite", "pwritev", "fallocate"}, {"fsync", "fdatasync"}]
    assert all_mended(runs.bed, fault)


def test_a_table_that_cannot_grow_refuses_and_has_its_options_back(runs: Runs) -> None:
    fault = server.fail_write(postgres, "deliveries", errno="ENOSPC")

    async def play(lab: Lab) -> None:
        await asked(lab, "ALTER TABLE deliveries SET (fillfactor = 70)")
        await lab.deliver()
        async with lab.inject(fault):
            await lab.deliver(5, expect=ACKNOWLEDGED | REFUSED)
            await lab.until(fault.fired(2))
        assert await asked(lab, OPTIONS) == ["fillfactor=70"]
        await lab.deliver(2)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result)[repr(fault)] == {"write_failed": 1}
    assert all_mended(runs.bed, fault)


def test_a_table_that_nobody_wanted_to_grow_proves_nothing(runs: Runs) -> None:
    fault = server.fail_write(postgres, "deliveries")

    async def play(lab: Lab) -> None:
        async with lab.inject(fault):
            pass
        await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "left no evidence" in result.reason
    assert all_mended(runs.bed, fault)


@pytest.mark.parametrize("key", ["of", "errno"])
def test_what_cannot_fail_so_is_refused(key: str) -> None:
    with pytest.raises(UsageError, match=f"server.fail_sync: {key} = 'nothing': expected one of the valid words"):
        server.fail_sync(postgres, **{key: "nothing"})  # type: ignore[arg-type]  # that is the point
