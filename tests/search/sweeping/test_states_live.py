"""A service that opens a connection for each delivery can be swept: it is ready though none stays open."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.engine.laying.testbed import Testbed, open_testbed
from harness.polling import poll_async
from harness.relay import Cut, Match, Rule
from harness.search.sweep.cells.states import NotReadyError, States
from harness.search.sweep.lane import opened
from harness.search.sweep.plan import Choice
from harness.stack import StackConfiguration
from harness.target import load_target
from tests.search.live import lane_settings, sweep
from tests.tiny import HERE

DATABASE = 'DATABASE_URL = "{postgres.url}"\n'
REDIS = '[links.redis]\nprotocol = "redis"\n'
TRIES_OF_A_DELIVERY, REFUSALS = 2, 10
"""So often the service asks for one delivery, and more deliveries than a lane sends without a pause."""


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "scenarios").mkdir()
    shutil.copy(HERE / "service.py", folder)
    text = (HERE / "target.toml").read_text("utf-8")
    text = text.replace(DATABASE, f'{DATABASE}TINY_KEEP = "off"\n').replace(REDIS, "")
    text = text.replace("recovery_s = 5", "recovery_s = 2")
    (folder / "scenarios" / "target.toml").write_text(text, "utf-8")
    target = load_target(folder / "scenarios" / "target.toml")
    with open_testbed(target, StackConfiguration(), logs=folder / "logs") as bed:
        yield bed


@pytest.mark.parametrize("kind", ["fresh", "warm", "repeat"])
def test_a_service_that_keeps_no_connection_is_swept(bed: Testbed, tmp_path: Path, kind: str) -> None:
    choice = Choice(kinds=(kind,), only="/sent/", actions=("cut_before",))  # type: ignore[arg-type]  # one of the kinds
    swept = sweep(bed, lane_settings(tmp_path, profile="whole"), choice, lanes=1)
    assert any("StartupMessage" in cell for cell in swept.verdicts()), "each delivery opens one"
    assert set(swept.verdicts().values()) == {"held"}, swept.cells
    assert not swept.problems


def test_copies_are_left_out_where_no_commit_is_sent(bed: Testbed, tmp_path: Path) -> None:
    swept = sweep(bed, lane_settings(tmp_path, profile="whole"), Choice(kinds=("copies",)), lanes=1)
    (recording,) = swept.recordings
    assert (recording.messages, swept.cells) == ((), [])
    assert "the service sends no COMMIT" in recording.left_out


def test_a_service_that_acknowledges_nothing_is_not_ready_and_its_connections_count(
    bed: Testbed, tmp_path: Path
) -> None:
    async def go() -> None:
        settings = lane_settings(tmp_path, profile="whole")
        async with bed.stack.relay.control() as relay, opened(bed, relay, settings) as lane:
            match = Match(direction="sent", text="INSERT")
            await relay.arm(Rule(id="all", hop=lane.site.hops["postgres"], match=match, action=Cut(), always=True))
            states = States(lane)
            with pytest.raises(NotReadyError, match=r"8 deliveries .* refused, status 503"):
                await states.reach("warm", lane.new_rig())
            assert states.ended_connections == sum(lane.reports.ended.values()) > 0

    asyncio.run(go())


def test_a_service_that_refuses_at_once_until_it_is_connected_is_waited_for(bed: Testbed, tmp_path: Path) -> None:
    async def go() -> None:
        settings = replace(lane_settings(tmp_path, profile="whole"), patience_s=60)
        async with bed.stack.relay.control() as relay, opened(bed, relay, settings) as lane:
            match = Match(direction="sent", text="INSERT")
            await relay.arm(Rule(id="away", hop=lane.site.hops["postgres"], match=match, action=Cut(), always=True))

            async def refused_more_than_a_few() -> bool:
                return len(await relay.fired("away")) > TRIES_OF_A_DELIVERY * REFUSALS

            async def comes_back() -> None:
                assert await poll_async(refused_more_than_a_few, within_s=60)
                await relay.disarm("away")

            back = asyncio.create_task(comes_back())
            await States(lane).reach("warm", lane.new_rig())
            await back

    asyncio.run(go())
