"""A gate below its coverage floor says which statement has changed, and what was not hit for it."""

from __future__ import annotations

import dataclasses

from harness.results import Evidence
from harness.search.recording.places import Place, Point
from harness.search.space.coverage import Coverage
from harness.search.space.lost import lost_of
from harness.search.space.space import FaultSpace
from tests.results.made import made
from tests.search.space.test_coverage import LINKS, met

COMMITTED = "INSERT INTO deliveries (id, body) VALUES (?)"
NOW = "INSERT INTO deliveries (id, body, seen) VALUES (?)"


def point(text: str, action: str) -> Point:
    return Point(Place("postgres", "sent", "query", "Execute", text, 1), action)


SPACE = FaultSpace({point(COMMITTED, "stall"): ("warm",), point(COMMITTED, "drop"): ("warm",),
                    point("SELECT 1", "drop"): ("warm",)}, floor_percent=100)  # fmt: skip
FOUND = Coverage(SPACE, frozenset({point("SELECT 1", "drop")}))


def run_that_met(text: str, kind: str = "wire_stall", *, link: str = "postgres") -> Evidence:
    at = met(message="Execute", text=text, link=link)
    return Evidence(kind=kind, source="relay", t_ns=1, detail="met", at=at)


def test_a_statement_that_has_changed_is_named_with_the_one_that_it_replaces() -> None:
    run = made(evidence=(run_that_met(NOW), run_that_met("SELECT 1")))
    lost = lost_of(FOUND, [run], LINKS)
    (new,) = lost.new
    assert (new.text, new.like, list(new.scenarios)) == (NOW, COMMITTED, [run.key.id])
    said = list(lost.sentences())
    like = f"where the fault space has {COMMITTED!r}: 2 points not hit"
    assert said == [f"the service now sends {NOW!r}, {like} (met in {run.key.id})"]


def test_without_any_such_statement_only_what_was_not_hit_is_named() -> None:
    other_link = run_that_met(NOW, link="elsewhere")
    not_the_relays = run_that_met(NOW, "connections_cut")
    lost = lost_of(FOUND, [made(evidence=(other_link, not_the_relays, run_that_met(COMMITTED)))], LINKS)
    assert not lost.new
    assert list(lost.sentences()) == [f"not hit: 2 points at {point(COMMITTED, 'drop').place}"]


def test_statements_that_are_like_none_are_named_only_where_no_other_is() -> None:
    strange = [run_that_met(f"{letter * 40} {letter}") for letter in "vwxyz"]
    both = lost_of(FOUND, [made(evidence=(*strange, run_that_met(NOW)))], LINKS)
    assert [each.like for each in both.new] == [COMMITTED]
    *_, last = lost_of(FOUND, [made(evidence=tuple(strange))], LINKS).sentences()
    assert last == "and 2 other statements that the fault space does not have"


def test_many_places_are_counted() -> None:
    space = dataclasses.replace(SPACE, points={point(f"SELECT {n}", "drop"): ("warm",) for n in "abcde"})
    *_, last = lost_of(Coverage(space, frozenset()), [], LINKS).sentences()
    assert last == "not hit: 2 points at 2 other places: `harness coverage` lists them"
