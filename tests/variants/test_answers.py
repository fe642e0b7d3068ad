"""Answers in the form in which they are compared, and the file that has the approved ones."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from harness.engine.variants.answers import Answer, answer, belongs
from harness.engine.variants.approved import changes, read_approved, text_of, write_approved
from harness.engine.variants.sending import CLOSED, RawAnswer
from harness.errors import UsageError
from harness.history.events import StoredRow
from harness.target import SOURCE, Delivery

USUAL = Delivery("v0001-abcd", SOURCE, b'{"variant":"v0001-abcd","of":[1,"two"]}')
OK = Answer("200", ("content-type: application/json", "date"), '{"id":"{id}"}\n"\\', "{id} with its body")
NO = Answer("closed", (), "", "nothing")


def seen(body: bytes, *rows: StoredRow, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return answer(RawAnswer(200, headers, body), USUAL, USUAL, rows)


def test_what_differs_from_run_to_run_has_a_word() -> None:
    told = f"{USUAL.id} {USUAL.digest} 2026-11-29T18:00:00.123456+00:00 1798000000 ".encode()
    assert seen(told + base64.b64encode(USUAL.body)).body == "{id} {digest} {time} {seconds} {base64}"


def test_headers_are_sorted_and_sets_have_no_order() -> None:
    headers = (("date", "now"), ("allow", "HEAD, GET"), ("content-length", "4"), ("x-id", USUAL.id))
    assert seen(b"", headers=headers).headers == ("allow: GET, HEAD", "content-length", "date", "x-id: {id}")


def test_bytes_that_are_no_text_can_be_read() -> None:
    assert seen(b"\xff\x00a").body == "\\xff\\x00a"


def test_rows_say_whose_body_they_have() -> None:
    rows = [StoredRow(USUAL.id, USUAL.digest), StoredRow(f"Shop/{USUAL.id}x", "0" * 64, 2)]
    assert seen(b"", *rows).stored == "Shop/{id}x with another body, 2 times, {id} with its body"
    assert seen(b"").stored == "nothing"


def test_a_closed_connection_is_an_answer() -> None:
    assert answer(CLOSED, USUAL, USUAL, ()) == NO


def test_a_row_is_found_by_a_part_of_its_name_in_any_case() -> None:
    assert belongs(StoredRow(f"x/{USUAL.id.upper()}", ""), USUAL, USUAL)
    assert not belongs(StoredRow("v0002-abcd", USUAL.digest), USUAL, USUAL)


def test_the_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    approved = {"b": OK, "a: 'x\x7f'": NO, "c": OK}
    write_approved(approved, path)
    assert read_approved(path) == approved
    assert text_of(approved).count("[[answers]]") == 2, "equal answers are written once"


def test_two_answers_to_one_variant_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(text_of({"a": OK}) + text_of({"a": NO}).partition('"harness.answers/1"\n')[2], encoding="utf-8")
    with pytest.raises(UsageError, match=r"to = 'a': has two answers"):
        read_approved(path)


def test_what_has_changed_is_new_gone_or_other() -> None:
    found = changes({"a": OK, "b": OK, "c": OK}, {"a": OK, "b": NO, "d": NO})
    assert (found.new, found.gone, found.other) == (("d",), ("c",), ("b",))
    assert not changes({"a": OK}, {"a": OK})
