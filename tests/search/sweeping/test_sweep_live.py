"""Real sweeps: the hardened service holds, the unprotected one fails where one would predict."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness import ANY_OUTCOME, Lab, postgres, wire
from harness.engine.laying.testbed import Testbed
from harness.engine.observing.servers.stored import stored_rows
from harness.engine.phases.rest import AtFirst, record_rest
from harness.engine.rig import Rig
from harness.engine.workload.clients import Answer
from harness.errors import HarnessError
from harness.history import read_history
from harness.history.events import AtRest, EvidenceSeen, Purpose, RequestSent, RowsRead, StoredRow
from harness.results.reading import read_summary
from harness.scenario.runner import RunConfiguration, run
from harness.scenario.scenario import Scenario
from harness.search.recording import deliveries
from harness.search.recording.places import Point
from harness.search.recording.recording import Recording
from harness.search.space.coverage import hit_by_runs, hit_by_summary
from harness.search.space.space import read_space, space_of
from harness.search.sweep import batch, lane, lane_rest, sweeper
from harness.search.sweep.cells import copies
from harness.search.sweep.cells.copies import OVERLAPPED
from harness.search.sweep.plan import RETRY, Choice
from harness.search.sweep.results import CellVerdict
from harness.search.sweep.sweeper import TRIES, counts_instead
from harness.stack.service.start import ServiceStartError
from harness.target import Delivery
from harness.vocabulary import ABSENT, REFUSED
from tests.results.made import summary_of
from tests.search import made
from tests.search.conftest import TARGET
from tests.search.live import Swept, lane_settings, losing_rows, sweep

COMMIT = "warm/postgres/sent/commit/Query/COMMIT/1/cut_before"
BREAKING = ("cut_before", "cut_after", "reset_before", "reset_after")


@pytest.fixture(scope="module")
def held(bed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> tuple[Swept, Path]:
    """The commit's messages, broken in every closing way and after some of their bytes."""
    folder = tmp_path_factory.mktemp("sweep")
    choice = Choice(kinds=("warm",), only="/commit/", actions=(*BREAKING, "cut@N"))
    return sweep(bed, lane_settings(folder), choice), folder


def test_every_cell_is_tried_and_held_and_every_fault_struck(held: tuple[Swept, Path]) -> None:
    swept, _ = held
    assert len(swept.cells) > 30
    assert set(swept.verdicts().values()) == {"held"}, [each for each in swept.cells if each.verdict != "held"]
    assert all("COMMIT" in " ".join(each.evidence) for each in swept.cells)
    assert not swept.problems


def test_a_cells_lines_of_its_history_tell_its_story(held: tuple[Swept, Path]) -> None:
    swept, folder = held
    for result in swept.cells[:5]:
        entries = read_history(folder / result.history).entries[result.lines[0] - 1 : result.lines[1]]
        events = [entry.event for entry in entries]
        (evidence,) = [event for event in events if isinstance(event, EvidenceSeen)]
        assert evidence.detail in result.evidence
        assert evidence.at is not None
        assert evidence.at.told == evidence.detail
        assert (result.struck, result.tries) == (1, 1)
        purposes = [event.purpose for event in events if isinstance(event, RequestSent)]
        assert {"scenario", "recovery", "again"} <= set(purposes)
        assert len([event for event in events if isinstance(event, RowsRead)]) == 2


def test_what_a_cut_inside_of_a_message_lets_through_is_as_planned(held: tuple[Swept, Path]) -> None:
    swept, _ = held
    cut = [each for each in swept.cells if each.cell.first.bytes_passed is not None]
    assert len(cut) > 10
    for each in cut:
        assert f"{each.cell.first.bytes_passed} bytes of it passed" in each.evidence[0]


def test_the_recorded_space_has_what_the_service_says_to_its_database(held: tuple[Swept, Path]) -> None:
    swept, _ = held
    points = {str(point) for point in space_of(swept.recordings).points}
    assert "postgres/sent/commit/Query/COMMIT/1/cut_before" in points
    assert "postgres/sent/commit/Query/COMMIT/1/error_40001" in points
    assert any(point.startswith("redis/sent/query/SET/") and point.endswith("/error_READONLY") for point in points)


@pytest.mark.parametrize("kind", ["fresh", "repeat", "read", "copies"])
def test_each_kind_of_delivery_can_be_swept(bed: Testbed, tmp_path: Path, kind: str) -> None:
    choice = Choice(kinds=(kind,), only="/cut_before", limit=6, seed=3)  # type: ignore[arg-type]  # one of the kinds
    # What the service does where a ROLLBACK breaks is the subject of the whole sweep, not of this.
    swept = sweep(bed, lane_settings(tmp_path), choice, lanes=1, recorded=_without("ROLLBACK"))
    assert len(swept.cells) == 6
    assert set(swept.verdicts().values()) == {"held"}, swept.cells
    assert any(OVERLAPPED in each.evidence for each in swept.cells) is (kind == "copies")


async def _no_lock(_: object) -> int:
    return 0


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("HELD_PHASE", "startup", "the first copy was not held in its COMMIT"),
        ("waiting_for_locks", _no_lock, "the second copy did not wait for a lock of the first"),
    ],
)
def test_copies_that_never_overlap_are_not_recorded(
    bed: Testbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: object, told: str
) -> None:
    monkeypatch.setattr(copies, name, value)
    monkeypatch.setattr(deliveries, "OVERLAP_WITHIN_S", 0.3)
    with pytest.raises(HarnessError, match=f"did not overlap, though nothing is broken: {told}"):
        sweep(bed, lane_settings(tmp_path), Choice(kinds=("copies",), limit=1), lanes=1)


def test_copies_that_no_fault_kept_apart_prove_nothing(
    bed: Testbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held_elsewhere(recording: Recording) -> Recording:
        monkeypatch.setattr(copies, "HELD_PHASE", "startup")
        return recording

    choice = Choice(only="copies/postgres/answered/query/CommandComplete/BEGIN/2/cut_before")
    (apart,) = sweep(bed, lane_settings(tmp_path), choice, lanes=1, recorded=held_elsewhere).cells
    assert (apart.verdict, apart.struck, apart.tries) == ("inconclusive", 1, TRIES)
    assert "two copies that overlap" in apart.reason
    assert "the first copy was not held in its COMMIT" in apart.reason


def test_a_fault_that_keeps_the_copies_apart_says_so(bed: Testbed, tmp_path: Path) -> None:
    choice = Choice(only="copies/postgres/sent/query/Query/BEGIN/1/stall")
    (apart,) = sweep(bed, lane_settings(tmp_path), choice, lanes=1).cells
    assert (apart.verdict, apart.struck, apart.tries) == ("held", 1, 1)
    assert "the fault struck before the copies could overlap" in " ".join(apart.evidence)


def _later(recording: Recording) -> Recording:
    """As if each message were the seventh after the one that it is: nothing strikes."""
    return dataclasses.replace(
        recording, messages=tuple(dataclasses.replace(each, nth=each.nth + 7) for each in recording.messages)
    )


def _without(text: str) -> Callable[[Recording], Recording]:
    def changed(recording: Recording) -> Recording:
        kept = tuple(message for message in recording.messages if message.place.text != text)
        return dataclasses.replace(recording, messages=kept)

    return changed


def test_unprotected_it_fails_where_one_would_predict(bed: Testbed, tmp_path: Path) -> None:
    choice = Choice(kinds=("warm",), only="/cut_before", with_bytes=False)
    swept = sweep(bed, lane_settings(tmp_path, profile="unprotected"), choice)
    failed = [each for each in swept.cells if each.verdict == "failed"]
    by_protocol = {each.cell.first.place.protocol: each.failing for each in failed}
    # Nothing is tried again on PostgreSQL, and the exception escapes; redis-py tries again by itself: too often.
    assert by_protocol.keys() == {"postgres", "redis"}
    assert by_protocol["redis"] == ("retries_capped",)
    assert all("log_clean" in each.failing for each in failed if each.cell.first.place.protocol == "postgres")


def test_a_commit_that_is_acknowledged_too_early_is_lost(bed: Testbed, tmp_path: Path) -> None:
    choice = Choice(kinds=("warm",), only=COMMIT)
    swept = sweep(bed, lane_settings(tmp_path, without=("ack.after_commit",)), choice, lanes=1)
    (lost,) = swept.cells
    assert lost.verdict == "failed"
    assert lost.failing[0] == "acknowledged_is_stored"


def test_a_fault_that_never_strikes_is_inconclusive_and_says_what_was_seen(bed: Testbed, tmp_path: Path) -> None:
    choice = Choice(kinds=("warm",), only=COMMIT)
    swept = sweep(bed, lane_settings(tmp_path), choice, lanes=1, recorded=_later)
    (result,) = swept.cells
    assert result.verdict == "inconclusive"
    assert "did not strike; seen instead" in result.evidence[0]
    assert (result.struck, result.tries) == (0, TRIES)
    assert Point.parse(str(result.cell.first)) == result.cell.first


def test_a_delivery_that_is_lost_fails_a_read_cell_too(
    bed: Testbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losing_rows(monkeypatch)
    choice = Choice(kinds=("read",), actions=("cut_before", "delay"), limit=6, seed=3)
    swept = sweep(bed, lane_settings(tmp_path), choice, lanes=1)
    assert {each.verdict for each in swept.cells} == {"failed"}
    assert all("acknowledged_is_stored" in each.failing for each in swept.cells)
    assert not any("reading msg" in each.reason for each in swept.cells)
    for each in swept.cells:
        entries = read_history(tmp_path / each.history).entries[each.lines[0] - 1 : each.lines[1]]
        sent = [entry.event for entry in entries if isinstance(entry.event, RequestSent)]
        # What is read was stored by an earlier cell, whose promise this one has to know of.
        read = {each.delivery for each in sent if each.reads}
        assert read
        assert read <= {each.delivery for each in sent if not each.reads}
        # A read that says "not stored" is wrong, whatever the fault.
        expected = [each.expected for each in sent if each.reads and each.purpose == "scenario"]
        assert all(each is not None and ABSENT not in each for each in expected)
        assert expected


STRANGER = "INSERT INTO deliveries (source, id, sha256, body) VALUES ('stranger', 'msg_of_nobody', '00', '{}')"

WITHOUT_KEY = "ALTER TABLE deliveries DROP CONSTRAINT deliveries_pkey"
TWICE = "INSERT INTO deliveries SELECT * FROM deliveries WHERE id = 'msg_of_nobody'"


def test_a_row_that_nothing_sent_and_one_that_is_doubled_are_the_lanes_failures(
    bed: Testbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def with_stranger(rig: Rig, before: AtFirst) -> None:
        for statement in (STRANGER, WITHOUT_KEY, TWICE):
            await rig.site.links["postgres"].own.execute(statement)
        await record_rest(rig, before)
        rig.recorder.record("runner", AtRest("connections", 99, 5, "postgres"))

    monkeypatch.setattr(lane_rest, "record_rest", with_stranger)
    swept = sweep(bed, lane_settings(tmp_path), Choice(kinds=("warm",), only=COMMIT), lanes=1)
    assert [each.verdict for each in swept.cells] == ["held"]
    assert [(each.verdict, each.failing) for each in swept.problems] == [
        ("failed", ("nothing_foreign",)),
        ("failed", ("stored_once",)),
        ("failed", ("pool_returns",)),
    ]
    assert all("msg_of_nobody (1 in all)" in each.reason for each in swept.problems[:2])


def test_what_was_not_looked_at_at_the_end_of_a_lane_is_inconclusive(
    bed: Testbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> None:
        """Look at nothing."""

    monkeypatch.setattr(lane_rest, "record_rest", nothing)
    swept = sweep(bed, lane_settings(tmp_path), Choice(kinds=("warm",), only=COMMIT), lanes=1)
    assert [each.verdict for each in swept.problems] == ["inconclusive"]
    assert "never checked at rest: connections: postgres" in swept.problems[0].reason


def test_rows_that_garbled_bytes_made_are_their_cells_and_not_the_lanes(
    bed: Testbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def garbled(rig: Rig, ids: Sequence[str] | None = None) -> Sequence[StoredRow]:
        rows = await stored_rows(rig, ids)
        struck = [sent.delivery for sent in rig.recorder.history.of(RequestSent) if sent.purpose == "scenario"]
        wrong.update(struck)
        return [dataclasses.replace(row, digest="00") if row.id in wrong else row for row in rows]

    wrong: set[str] = set()
    monkeypatch.setattr(batch, "stored_rows", garbled)
    monkeypatch.setattr(lane_rest, "stored_rows", garbled)
    at = "warm/postgres/sent/commit/Query/COMMIT/1"
    swept = sweep(bed, lane_settings(tmp_path), Choice(only=f"{at}/duplicate"), lanes=1)
    assert ([each.verdict for each in swept.cells], swept.problems) == (["silent"], [])
    swept = sweep(bed, lane_settings(tmp_path), Choice(only=f"{at}/cut_before"), lanes=1)
    assert [each.verdict for each in swept.cells] == ["failed"]
    assert [each.failing for each in swept.problems] == [("nothing_foreign",)]


def test_a_try_that_failed_counts_whatever_comes_after_it(
    bed: Testbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def first_lost(rig: Rig, ids: Sequence[str] | None = None) -> Sequence[StoredRow]:
        rows = await stored_rows(rig, ids)
        sent = [each.delivery for each in rig.recorder.history.of(RequestSent) if each.purpose == "scenario"]
        lost.extend(sent[:1] if not lost else [])
        return [row for row in rows if row.id not in lost]

    lost: list[str] = []
    monkeypatch.setattr(batch, "stored_rows", first_lost)
    choice = Choice(kinds=("warm",), only=COMMIT)
    (result,) = sweep(bed, lane_settings(tmp_path), choice, lanes=1, recorded=_later).cells
    assert (result.verdict, result.struck, result.tries) == ("failed", 0, TRIES)
    assert result.failing == ("acknowledged_is_stored",)


@pytest.mark.parametrize(
    ("known", "later", "counts"),
    [
        (None, "inconclusive", True), ("inconclusive", "held", True), ("inconclusive", "inconclusive", True),
        ("held", "failed", True), ("failed", "held", False), ("failed", "silent", False), ("silent", "held", False),
        ("silent", "failed", True), ("silent", "inconclusive", False),
    ],
)  # fmt: skip
def test_of_several_tries_what_was_wrong_stays(known: str | None, later: str, counts: bool) -> None:
    before = None if known is None else made.result(CellVerdict(known))
    assert counts_instead(made.result(CellVerdict(later)), before) is counts


def test_a_repeat_is_held_against_the_first_answer(bed: Testbed, tmp_path: Path) -> None:
    choice = Choice(kinds=("repeat",), only="/cut_before", limit=4, seed=3)
    for each in sweep(bed, lane_settings(tmp_path), choice, lanes=1, recorded=_without("ROLLBACK")).cells:
        entries = read_history(tmp_path / each.history).entries[each.lines[0] - 1 : each.lines[1]]
        sent = [entry.event for entry in entries if isinstance(entry.event, RequestSent)]
        repeated = {one.delivery for one in sent if one.purpose == "scenario"}
        # An earlier cell may have seen that answer: this history has to tell it, too.
        assert repeated
        assert repeated <= {one.delivery for one in sent if one.purpose == "warm"}


def test_what_is_refused_though_nothing_is_broken_is_not_recorded(
    bed: Testbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver = lane.Lane.deliver

    async def refused(one: lane.Lane, rig: Rig, delivery: Delivery, purpose: Purpose, **more: Any) -> Answer:
        answer = await deliver(one, rig, delivery, purpose, **more)
        return dataclasses.replace(answer, outcome=REFUSED) if purpose is Purpose.SCENARIO else answer

    monkeypatch.setattr(lane.Lane, "deliver", refused)
    with pytest.raises(HarnessError, match="a warm delivery was not acknowledged, though nothing is broken: refused"):
        sweep(bed, lane_settings(tmp_path), Choice(kinds=("warm",), only=COMMIT), lanes=1)


def test_a_second_fault_that_nothing_came_for_is_unmet(bed: Testbed, tmp_path: Path) -> None:
    # The answer of the commit is cut off at its end: the service has it, and tries nothing again.
    answer = "postgres/answered/commit/ReadyForQuery/COMMIT/1"
    choice = Choice(pairs=True, only=f"warm/{answer}/cut_after then {answer}/cut_before")
    (unmet,) = sweep(bed, lane_settings(tmp_path), choice, lanes=1).cells
    assert (unmet.verdict, unmet.struck) == ("unmet", 1)


def test_a_second_fault_that_let_its_message_pass_is_inconclusive(bed: Testbed, tmp_path: Path) -> None:
    def later(recording: Recording) -> Recording:
        return _later(recording) if recording.kind == RETRY else recording

    choice = Choice(pairs=True, only=f"{COMMIT} then {COMMIT.removeprefix('warm/')}")
    (passed,) = sweep(bed, lane_settings(tmp_path), choice, lanes=1, recorded=later).cells
    assert (passed.verdict, passed.struck) == ("inconclusive", 1)
    assert "after the first fault, sent Query 'COMMIT" in passed.reason


def test_a_lane_that_does_not_start_is_told_and_the_others_do_its_work(
    bed: Testbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lanes: list[int] = []

    def only_one(*given: Any) -> Any:
        lanes.append(len(lanes))
        if len(lanes) > 1:
            raise ServiceStartError("it ended with status 1")
        return lane.opened(*given)

    monkeypatch.setattr(sweeper, "opened", only_one)
    swept = sweep(bed, lane_settings(tmp_path), Choice(kinds=("warm",), only="/commit/", actions=("stall",)), lanes=2)
    assert len(swept.cells) > 1
    assert set(swept.verdicts().values()) == {"held"}
    assert [(each.verdict, each.reason) for each in swept.problems] == [
        ("inconclusive", "not started: it ended with status 1")
    ]


def test_what_breaks_a_lane_is_raised_as_it_is(bed: Testbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unreadable(*_: object) -> None:
        raise HarnessError("the lane cannot be probed")

    monkeypatch.setattr(sweeper, "held_at_first", unreadable)
    with pytest.raises(HarnessError, match="cannot be probed"):
        sweep(bed, lane_settings(tmp_path), Choice(kinds=("warm",), only=COMMIT), lanes=1)


def test_the_relays_evidence_of_a_scenario_marks_the_points_that_it_met(bed: Testbed, tmp_path: Path) -> None:
    async def play(lab: Lab) -> None:
        for fault in (
            wire.cut(postgres.sent("COMMIT", message="Query")),
            wire.cut(postgres.sent("COMMIT", message="Query"), after=True),
            wire.reset(postgres.sent("COMMIT", message="Query"), after_bytes=3),
            wire.fail(postgres.sent("COMMIT", message="Query"), code="40001"),
        ):
            async with lab.inject(fault):
                await lab.deliver(expect=ANY_OUTCOME)

    result = run(
        Scenario(id="met", theme="live", play=play), RunConfiguration(profile="hardened", folder=tmp_path), bed
    )
    space = read_space(TARGET.with_name("fault_space.toml"))
    actions = ("cut_before", "cut_after", "error_40001")
    wanted = {Point.parse(f"postgres/sent/commit/Query/COMMIT/1/{action}") for action in actions}
    assert hit_by_runs(space, [result]) == wanted
    assert all(seen.at is not None and seen.detail.endswith(seen.at.told) for seen in result.evidence)
    (tmp_path / "summary.json").write_text(summary_of(result).text(lambda _: None), "utf-8")
    assert hit_by_summary(space, read_summary(tmp_path)) == wanted


def test_garbled_bytes_are_judged_apart(bed: Testbed, tmp_path: Path) -> None:
    choice = Choice(kinds=("warm",), only="/duplicate", limit=5)
    swept = sweep(bed, lane_settings(tmp_path), choice, lanes=1)
    assert {each.verdict for each in swept.cells} <= {"held", "noticed", "silent"}
