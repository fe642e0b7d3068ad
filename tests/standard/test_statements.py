"""The statements of recordings: what they are called, and how a fault finds them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.protocols.postgres.words import postgres
from harness.standard.statements import statements
from harness.vocabulary.ids import EVERY_NUMBER, EVERY_UUID
from tests.standard.support import of


def test_a_statement_is_named_by_as_few_words_as_tell_it_from_the_others() -> None:
    found = statements([of(postgres, "SELECT id FROM a", "SELECT id FROM b", "INSERT INTO a")], [postgres])
    assert [each.text for each in found] == ["SELECT id FROM a", "SELECT id FROM b", "INSERT"]
    assert [each.word for each in found] == ["select_id_from_a", "select_id_from_b", "insert"]


def test_what_the_service_sends_by_itself_has_another_name() -> None:
    at_rest = frozenset({("postgres", "SELECT id FROM jobs"), ("postgres", "COMMIT"), ("redis", "SELECT id FROM a b")})
    found = statements([of(postgres, "SELECT id FROM a", "COMMIT")], [postgres], at_rest)
    assert [each.text for each in found] == ["SELECT id FROM a", "COMMIT"]
    assert [each.text for each in statements([of(postgres, "SELECT id FROM a")], [postgres])] == ["SELECT"]


def test_a_statement_over_many_lines_is_named_by_words_of_one() -> None:
    found = statements([of(postgres, "\n\tSELECT\n\t\tid,\n\t\tname\n\tFROM a", "SELECT 1")], [postgres])
    assert [(each.text, each.word) for each in found] == [("SELECT id,", "select_id"), ("SELECT 1", "select_1")]


def test_statements_that_differ_only_at_their_ends_are_both_broken() -> None:
    long = "SELECT " + "a, " * 60
    found = statements([of(postgres, f"{long}b", f"{long}c", "SELECT 1")], [postgres])
    assert [each.text for each in found] == [f"{long}b", f"{long}c", "SELECT 1"]
    assert len({each.word for each in found}) == 3


def test_what_one_delivery_sends_with_and_without_its_id_is_struck_where_it_names_it() -> None:
    both = frozenset({("postgres", "COMMIT")})
    (commit,) = statements([replace(of(postgres, "COMMIT"), named=both, unnamed=both)], [postgres])
    assert commit.answered == postgres.answered("COMMIT", having="msg_")
    (commit,) = statements([replace(of(postgres, "COMMIT"), named=both, unnamed=both)], [postgres], every=EVERY_UUID)
    assert commit.answered == postgres.answered("COMMIT", having=EVERY_UUID)


@pytest.mark.parametrize("begins", ["msg_", f"{EVERY_UUID}-0001", f"{EVERY_UUID}0001", EVERY_NUMBER + 10 * "0"])
def test_a_statement_with_an_id_in_its_text_is_one_whatever_the_delivery_and_struck_with_any_id(begins: str) -> None:
    """psycopg2 writes values into the text, and all repeats that are recorded have one id."""
    inserts = [f"INSERT ('{begins}{number:03}', 1)" for number in (1, 2)]
    recorded = [of(postgres, inserts[0], "COMMIT"), of(postgres, inserts[1], kind="repeat")]
    found = statements(recorded, [postgres])
    assert [each.sent for each in found] == [postgres.sent("INSERT"), postgres.sent("COMMIT")]
    assert all(each.is_answered for each in found)
    assert [each.text for each in statements(recorded[1:], [postgres])] == ["INSERT"]
