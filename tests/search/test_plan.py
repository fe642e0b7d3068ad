"""What a sweep tries, and what it says that it leaves out."""

from __future__ import annotations

import dataclasses

import pytest

from harness.errors import UsageError
from harness.protocols.registry import PROTOCOLS
from harness.search.recording.places import CellId, Place, Point
from harness.search.space.actions import ACTIONS, APART, excluded_by, exclusions_of, is_apart, sensible
from harness.search.sweep.plan import Choice, check_choice, neighbourhood, planned
from tests.search.made import made_recording, observed, place

RECORDED = [made_recording("fresh"), made_recording("warm"), made_recording("copies")]


def actions_at(message: str, direction: str = "sent", protocol: str = "postgres", **more: object) -> set[str]:
    at = place(message, direction=direction, protocol=protocol)
    return {point.action for point in sensible(observed(place=at, **more))}


def test_every_message_of_every_kind_is_cut_before_it() -> None:
    cells = planned(RECORDED, Choice()).cells
    for recording in RECORDED:
        for message in recording.messages:
            assert any(
                cell.kind == recording.kind and cell.first == Point(message.place, "cut_before") for cell in cells
            )


def test_every_byte_is_cut_after_once_but_for_the_copies() -> None:
    cells = planned(RECORDED, Choice()).cells
    cut = [cell for cell in cells if cell.first.bytes_passed is not None]
    assert {cell.kind for cell in cut} == {"fresh", "warm"}
    commit = [cell.first.bytes_passed for cell in cut if cell.kind == "warm" and str(cell.first.place) == COMMIT]
    assert commit == list(range(1, 20))


COMMIT = "postgres/sent/commit/Query/COMMIT/1"


def test_no_bytes_leaves_them_out() -> None:
    assert {cell.first.bytes_passed for cell in planned(RECORDED, Choice(with_bytes=False)).cells} == {None}
    assert len({cell.first.bytes_passed for cell in planned(RECORDED, Choice()).cells}) > 1


def test_errors_take_the_place_of_a_statement_and_of_nothing_else() -> None:
    assert "error_40001" in actions_at("Query")
    assert "error_40001" not in actions_at("Bind", runs=False)
    assert "error_READONLY" not in actions_at("Query")
    assert "error_READONLY" in actions_at("SET", protocol="redis")
    assert {"fatal_53300", "fatal_57P03"} <= actions_at("StartupMessage", runs=False)


def test_an_answer_is_late_on_redis_only() -> None:
    assert "late" in actions_at("SimpleString", "answered", "redis", runs=False, ends_answer=True)
    assert "late" not in actions_at("ReadyForQuery", "answered", runs=False, ends_answer=True)
    assert "late" not in actions_at("SET", protocol="redis")


def test_a_client_hangs_up_at_every_message() -> None:
    cells = planned(RECORDED, Choice(actions=("hang_up",))).cells
    assert len(cells) == sum(len(recording.messages) for recording in RECORDED)


def test_a_deadline_passes_at_each_statement_where_a_sweep_is_asked_to() -> None:
    assert not [cell for cell in planned(RECORDED, Choice()).cells if cell.first.action == "deadline"]
    cells = planned(RECORDED, Choice(actions=("deadline",))).cells
    found = [(cell.kind, cell.first.place.direction, cell.first.place.phase, cell.first.place.text) for cell in cells]
    assert len(found) == len(set(found)) > 0
    commit = Point.parse(f"{COMMIT}/deadline")
    assert planned(RECORDED, Choice(only=f"warm/{commit}")).cells == (CellId("warm", commit),)
    assert "copies" not in {cell.kind for cell in cells}


def test_a_crowd_is_made_late_once_cold_and_once_warm_at_the_answer_to_the_commit() -> None:
    cells = [cell for cell in planned(RECORDED, Choice()).cells if cell.first.action == "crowd"]
    assert [cell.kind for cell in cells] == ["fresh", "warm"]
    assert {(cell.first.place.direction, cell.first.place.text) for cell in cells} == {("answered", "COMMIT")}
    check_choice(Choice(actions=("crowd",), only=str(cells[0])))
    assert "crowd" not in {point.action for message in RECORDED[0].messages for point in sensible(message)}


def test_without_a_commit_a_crowd_is_made_late_at_the_last_answer() -> None:
    messages = [each for each in RECORDED[1].messages if each.place.phase != "commit"]
    (cell,) = planned([dataclasses.replace(RECORDED[1], messages=tuple(messages))], Choice(actions=("crowd",))).cells
    last = [each.place for each in messages if each.place.direction == "answered"][-1]
    assert cell.first.place == last


def test_each_exclusion_has_a_reason_and_excludes_something_from_what_there_is() -> None:
    for exclusion in exclusions_of(PROTOCOLS):
        assert exclusion.reason.strip()
        assert exclusion.messages.strip()
    excluded = {
        excluded_by(message, action) for recording in RECORDED for message in recording.messages for action in ACTIONS
    }
    spoken = {message.place.protocol for recording in RECORDED for message in recording.messages}
    # All but those of ParameterStatus, which is not in what was recorded, and of two actions that no message has.
    assert len(excluded - {None}) == len(list(exclusions_of(sorted(spoken)))) - 3


def test_what_garbles_a_stream_is_judged_apart() -> None:
    answer = Place("postgres", "answered", "query", "DataRow", "INSERT", 1)
    assert all(is_apart(Point(place(), action)) for action in APART)
    assert is_apart(Point(answer, "drop"))
    assert not is_apart(Point(place(), "drop"))
    assert not is_apart(Point(answer, "cut_before"))


def test_only_takes_a_whole_id_or_a_part() -> None:
    whole = f"warm/{COMMIT}/cut_after"
    assert [str(cell) for cell in planned(RECORDED, Choice(only=whole)).cells] == [whole]
    begun = Choice(only=whole[:-2])
    check_choice(begun)
    assert [str(cell) for cell in planned(RECORDED, begun).cells] == [whole]
    parts = planned(RECORDED, Choice(only="commit/query/commit")).cells
    assert len(parts) > 10
    assert {str(cell.first.place) for cell in parts} == {COMMIT}


def test_the_option_only_that_fits_no_point_is_refused() -> None:
    with pytest.raises(UsageError, match="--only = 'ROLLBACK': none of the"):
        planned(RECORDED, Choice(only="ROLLBACK"))


def test_a_misspelt_part_of_an_id_is_told_with_the_nearest_word_in_few_characters() -> None:
    with pytest.raises(UsageError, match=r"closest valid: 'COMMIT'(?s:.*)mend: write --only COMMIT, say") as told:
        planned(RECORDED, Choice(only="COMIT"))
    assert len(str(told.value)) < 250


def test_a_limit_is_a_sample_by_the_seed_and_is_said() -> None:
    one, same, other = (planned(RECORDED, Choice(limit=7, seed=seed)) for seed in (1, 1, 2))
    assert len(one.cells) == 7
    assert one == same
    assert one.cells != other.cells
    assert "sample by seed 1" in one.left_out[0]


def test_messages_that_only_some_deliveries_had_are_said_to_be_left_out() -> None:
    unsteady = dataclasses.replace(RECORDED[1], unsteady=(place(text="ROLLBACK"),))
    assert planned([RECORDED[0], unsteady], Choice()).left_out == (
        "1 message that only some warm deliveries had, postgres/sent/commit/Query/ROLLBACK/1 the first",
    )


def test_a_kind_that_cannot_be_swept_is_said_to_be_left_out() -> None:
    copies = dataclasses.replace(RECORDED[2], messages=(), left_out="copies: no COMMIT")
    plan = planned([RECORDED[1], copies], Choice())
    assert plan.left_out == ("copies: no COMMIT",)
    assert {cell.kind for cell in plan.cells} == {"warm"}


def test_the_commits_neighbourhood_reaches_from_the_statement_before_it_to_the_end_of_its_answer() -> None:
    messages = [(each.place.message, each.place.text.split()[0]) for each in neighbourhood(RECORDED[1])]
    assert messages[0] == ("Execute", "INSERT")
    assert messages[-1] == ("ReadyForQuery", "COMMIT")
    assert len(messages) == 7


def test_all_pairs_around_the_commit_are_tried_and_of_the_rest_what_is_left_out_is_said() -> None:
    plan = planned(RECORDED, Choice(pairs=True))
    near = {message.place for message in neighbourhood(RECORDED[1])}
    found = [cell for cell in plan.cells if cell.second and cell.first.place in near and cell.second.place in near]
    every = {
        (point, other)
        for message in neighbourhood(RECORDED[1]) for point in sensible(message)
        for after in neighbourhood(RECORDED[0]) for other in sensible(after)
        if point.action in ("cut_before", "cut_after") and other.action in ("cut_before", "cut_after")
    }  # fmt: skip
    assert every <= {(cell.first, cell.second) for cell in found}
    assert len(set(plan.cells)) == len(plan.cells)
    assert "pairs away from the commit" in plan.left_out[0]


@pytest.mark.parametrize("choice", [Choice(actions=("cut",)), Choice(kinds=("hot",))])  # type: ignore[arg-type]  # wrong
def test_a_word_that_does_not_exist_is_refused(choice: Choice) -> None:
    with pytest.raises(UsageError, match="valid"):
        check_choice(choice)
