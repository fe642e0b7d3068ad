"""Several deliveries of a kind become one recording, from which rules find each message again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.protocols.contract.search import SEARCHED
from harness.relay import Cut
from harness.search.recording.places import CellId, Point
from harness.search.recording.recording import LinkSeen, recording
from harness.search.sweep.cells.arming import Armoury
from tests.search.made import INSERT, as_is, delivered, made_recording, messages_of, seen


def test_messages_are_in_the_order_in_which_they_passed_whatever_their_link() -> None:
    names = [message.place.message for message in made_recording().messages]
    assert names[:4] == ["SET", "SimpleString", "Query", "CommandComplete"]
    assert len(names) == 13


def test_a_statement_is_found_by_what_all_deliveries_begin_it_with() -> None:
    def fingerprint(protocol: str, text: str) -> str:
        return "INSERT" if "INSERT" in text else as_is(protocol, text)

    links = [[LinkSeen("postgres", "postgres", messages_of(f"comment {n}"))] for n in (1, 2)]
    found = recording("warm", links, fingerprint)
    bind = next(message for message in found.messages if message.place.message == "Bind")
    assert bind.text == "/* comment"


def test_a_redis_command_is_found_by_its_name_since_keys_differ_from_lane_to_lane() -> None:
    assert made_recording().messages[0].text == "SET"


def test_the_nth_of_its_like_counts_what_the_rule_would_match_not_what_looks_alike() -> None:
    # "INSERT" begins both statements, so a rule for the shorter one meets the longer one first.
    messages = [seen("sent", "Execute", "INSERT 2"), seen("sent", "Execute", "INSERT")]
    found = recording("warm", [[LinkSeen("postgres", "postgres", messages)]], as_is)
    assert [(each.place.text, each.nth) for each in found.messages] == [("INSERT 2", 1), ("INSERT", 2)]


def test_occurrences_count_equal_messages() -> None:
    messages = [seen("answered", "ParameterStatus", phase="startup", t_ns=n) for n in range(3)]
    found = recording("fresh", [[LinkSeen("postgres", "postgres", messages)]], as_is)
    assert [each.place.occurrence for each in found.messages] == [1, 2, 3]


def test_what_only_some_deliveries_have_is_unsteady_and_no_point() -> None:
    more = delivered("b")
    more.append(LinkSeen("other", "postgres", [seen("sent", "Query", "SELECT 1", t_ns=99)]))
    found = recording("warm", [delivered("a"), more], as_is)
    assert [place.text for place in found.unsteady] == ["SELECT 1"]
    assert len(found.messages) == 13


def test_a_cell_becomes_a_rule_on_the_lanes_own_hop() -> None:
    recorded = made_recording()
    commit = next(each for each in recorded.messages if each.place.text == "COMMIT")
    armoury = Armoury({"warm": recorded, "fresh": made_recording("fresh")}, {"postgres": "hop-7", "redis": "hop-8"})
    cell = CellId("warm", Point(commit.place, "cut@5"), Point(commit.place, "cut_after"))
    first, second = armoury.rules(cell, "7/1")
    assert (first.hop, first.action, first.match.text, first.match.nth) == ("hop-7", Cut(5), "COMMIT", 1)
    assert (second.action, second.match.after) == (Cut(after=True), first.id)
    assert first.match.phase == "commit"
    assert INSERT not in first.match.text


def test_statements_are_told_apart_that_come_with_and_without_naming_a_delivery() -> None:
    def one(*statements: tuple[str, str]) -> list[LinkSeen]:
        told = [replace(seen("sent", "Query", text), subject=subject) for text, subject in statements]
        return [LinkSeen("postgres", "postgres", told)]

    by_worker = [("BEGIN", ""), ("COMMIT", "")]
    first = one(("BEGIN", ""), ("INSERT", "msg_1"), ("COMMIT", "msg_1"), ("DELETE", "msg_1"), *by_worker)
    second = one(*by_worker, ("BEGIN", ""), ("INSERT", "msg_2"), ("COMMIT", "msg_2"))
    found = recording("warm", [first, second], as_is)
    assert found.named == {("postgres", "INSERT"), ("postgres", "COMMIT")}, "in each delivery"
    assert found.unnamed == {("postgres", "BEGIN"), ("postgres", "COMMIT")}


@pytest.mark.parametrize(
    ("texts", "text"),
    [
        (
            ["INSERT INTO t VALUES ('msg_ab_000001', 1)", "INSERT INTO t VALUES ('msg_ab_000002', 1)"],
            "INSERT INTO t VALUES (",
        ),
        (["SELECT 1 WHERE n = 17", "SELECT 1 WHERE n = 171"], "SELECT 1 WHERE n ="),
        (["SELECT 1 WHERE n = 'it''s 1'", "SELECT 1 WHERE n = 'it''s 2'"], "SELECT 1 WHERE n ="),
        (["SELECT 'a' FROM t", "SELECT 'a' FROM t WHERE n = 1"], "SELECT 'a' FROM t"),
        (["SELECT 'a' FROM t_1", "SELECT 'a' FROM t_2"], "SELECT 'a' FROM"),
        (["SELECT 'a' LIMIT 1", "SELECT 'a' LIMIT 1"], "SELECT 'a' LIMIT 1"),
    ],
)
def test_a_value_that_a_driver_writes_into_the_text_is_no_part_of_what_names_it(texts: list[str], text: str) -> None:
    """Ids of one session begin alike, and the session that breaks the statement is another one."""
    assert SEARCHED.of("postgres").beginning(texts) == text
