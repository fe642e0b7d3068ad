"""The fields of a line, whatever its form, and the series of metrics."""

from __future__ import annotations

from typing import Any

import pytest

from harness.engine.said.families import families_said
from harness.engine.said.lines import kind_of, read_line, word_of
from harness.history.events import FamilySaid
from harness.target.sections.service_log import LineFields
from tests.said.support import FIELDS, refused

GO = LineFields(event="msg", level="level", id="id", line=r"^\d+ (?P<level>[A-Z]+) (?P<msg>[a-z ]+) (?P<id>\w+)")


@pytest.mark.parametrize(
    ("text", "fields", "form", "delivery"),
    [
        (refused(), FIELDS, ("refused", "warning", "busy"), "a"),
        (refused(source="shop"), FIELDS, ("refused", "warning", "busy"), "shop/a"),
        ("level=WARN msg=no id=5", GO, ("no fields: level=WARN msg=no id={n}", "", ""), ""),
        ("5 WARN not stored b", GO, ("not stored", "WARN", ""), "b"),
        ('level=info event="took 5 of 6" id=7', FIELDS, ("took {n} of {n}", "info", ""), "7"),
        ("{no JSON", FIELDS, ("no fields: {no JSON", "", ""), ""),
    ],
)  # fmt: skip
def test_a_line_is_read(text: str, fields: LineFields, form: tuple[str, str, str], delivery: str) -> None:
    line = read_line(text, fields)
    assert (line.form, line.delivery) == (form, delivery)


@pytest.mark.parametrize(
    ("value", "kind"),
    [(None, "nothing"), (True, "flag"), (1, "number"), (1.5, "number"), ("a", "text"), ([1], "list"), ({}, "table")],
)
def test_values_have_kinds(value: Any, kind: str) -> None:
    assert kind_of(value) == kind


def test_a_word_is_what_can_be_one_of_few() -> None:
    assert word_of("phase", "insert", FIELDS) == '"insert"'
    assert word_of("phase", True, FIELDS) == "true"
    assert word_of("error", "OSError: 5", FIELDS) == '"OSError"'
    assert [
        word_of(key, value, FIELDS) for key, value in (("at", "12"), ("id", "a"), ("phase", 5), ("phase", "x" * 99))
    ] == [None] * 4


def test_families_are_told_with_what_comes_later() -> None:
    head = "# HELP a_total How many\n# TYPE a_total counter\n# TYPE a_created gauge\na_created 1.5e9\n"
    told = families_said(head + 'a_total{by="x"} 0.0\n', head + 'a_total{by="x"} 1.0\na_total{by="y"} 1.0\n')
    assert told == [FamilySaid("a_total", "counter", "How many", ('{by="x"}',), ('{by="y"}',))]
