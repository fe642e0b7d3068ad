"""What a trial leaves to the next one: no rule, no connection with garbled bytes, no service that did not recover."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from harness.engine.laying.testbed import Testbed
from harness.errors import HarnessError
from harness.history.events import RunBegan, SentAgain, TriesCounted
from harness.search.recording.deliveries import record_all
from harness.search.recording.places import CellId
from harness.search.recording.recording import Recording
from harness.search.sweep.cells import trials as trials_module
from harness.search.sweep.cells.arming import Armoury
from harness.search.sweep.cells.trial import Trial
from harness.search.sweep.cells.trials import Trials
from harness.search.sweep.lane import Lane, opened
from tests.search.live import lane_settings

AT = "warm/postgres/sent/commit/Query/COMMIT/1"
CUT, GARBLED = (CellId.parse(f"{AT}/{action}") for action in ("cut_before", "duplicate"))
BEGAN = RunBegan("sweep", "hardened", (), 1, "target.toml", 6000.0, "")


def _as_it_is(recording: Recording) -> Recording:
    return recording


def _later(recording: Recording) -> Recording:
    messages = tuple(dataclasses.replace(each, nth=each.nth + 7) for each in recording.messages)
    return dataclasses.replace(recording, messages=messages)


@asynccontextmanager
async def trying(
    bed: Testbed, folder: Path, recorded: Callable[[Recording], Recording] = _as_it_is
) -> AsyncIterator[tuple[Lane, Trials]]:
    """A lane, and the trials on it. `recorded`: changes what was recorded."""
    async with bed.stack.relay.control() as relay, opened(bed, relay, lane_settings(folder)) as lane:
        (recording,) = await record_all(lane, ["warm"])
        yield lane, Trials(lane, Armoury({"warm": recorded(recording)}, lane.site.hops), BEGAN)


async def _never(*_: object) -> bool:
    """It does not recover."""
    return False


def test_a_service_that_does_not_recover_is_ended_and_the_next_cell_has_a_new_one(
    bed: Testbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def go() -> None:
        async with trying(bed, tmp_path) as (lane, trials):
            before = lane.service.process.pid
            with monkeypatch.context() as patched:
                patched.setattr(trials_module, "recover", _never)
                await trials.attempt(CUT)
            runs = [lane.service.running]
            await trials.attempt(CUT)
            assert [*runs, lane.service.running] == [False, True]
            assert lane.service.process.pid != before

    asyncio.run(go())


def test_after_garbled_bytes_every_connection_is_a_new_one(bed: Testbed, tmp_path: Path) -> None:
    async def go() -> Counter[str]:
        async with trying(bed, tmp_path) as (lane, trials):
            await trials.attempt(CUT)
            before = lane.reports.ended.copy()
            await trials.attempt(GARBLED)
            used = {lane.site.hops[name] for name in ("postgres", "redis")}  # no delivery uses another link
            assert used == lane.reports.ended.keys()
            return lane.reports.ended - before

    assert len(asyncio.run(go())) == 2, "PostgreSQL's, which were garbled, and Redis's"


def test_a_rule_that_did_not_strike_is_gone_before_the_next_cell(bed: Testbed, tmp_path: Path) -> None:
    async def go() -> None:
        async with trying(bed, tmp_path, _later) as (lane, trials):
            assert (await trials.attempt(CUT)).struck == 0
            with pytest.raises(HarnessError, match="no such rule is armed"):
                await lane.relay.near_misses(f"{lane.number}/1/1")

    asyncio.run(go())


def test_each_cell_has_its_own_tries(bed: Testbed, tmp_path: Path) -> None:
    """The COMMIT was cut, so the service sent it again: a cell is judged by that as a scenario is."""

    async def go() -> list[Trial]:
        async with trying(bed, tmp_path) as (_, trials):
            return [await trials.attempt(CUT), await trials.attempt(CUT)]

    histories = [trial.rig.recorder.history for trial in asyncio.run(go())]
    for history in histories:
        (again,) = (each for each in history.of(SentAgain) if each.statement == "COMMIT")
        assert [one.answer for one in again.tries][:2] == ["lost", "ok"]
        assert {each.link for each in history.of(TriesCounted)} == bed.target.description.links.keys()
    first, second = (next(history.of(SentAgain)).delivery for history in histories)
    assert first != second
