"""Points and cells are told in one line, and read back to what they were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.protocols.registry import PROTOCOLS
from harness.search.recording.places import DIRECTIONS, KINDS, PHASES, CellId, Place, Point

WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="/ "), min_size=1, max_size=12)
# SQL has slashes, quotes and blanks; it may even look like the word between the two faults of a pair.
STATEMENTS = st.text(st.sampled_from("SELECT /*'$1; then postgres/"), max_size=40).map(str.strip)
PLACES = st.builds(
    Place, st.sampled_from(PROTOCOLS), st.sampled_from(DIRECTIONS), st.sampled_from(PHASES), WORDS, STATEMENTS,
    st.integers(1, 99),
)  # fmt: skip
POINTS = st.builds(Point, PLACES, WORDS)
PLAIN = POINTS.filter(lambda point: " then " not in str(point))


@given(POINTS)
def test_a_point_reads_back(point: Point) -> None:
    assert Point.parse(str(point)) == point


@given(st.builds(CellId, st.sampled_from(KINDS), PLAIN, st.none() | PLAIN))
def test_a_cell_reads_back(cell: CellId) -> None:
    assert CellId.parse(str(cell)) == cell


@pytest.mark.parametrize(
    "text", ["", "warm", "warm/postgres/sent/query/Query/COMMIT/0/stall", "postgres/up/query/Q//1/a"]
)
def test_what_is_none_is_refused_with_the_mend(text: str) -> None:
    with pytest.raises(UsageError, match="mend"):
        CellId.parse(text)


def test_a_cut_inside_of_a_message_says_how_many_bytes_pass() -> None:
    point = Point.parse("redis/sent/query/SET/SET key value/1/cut@17")
    assert point.bytes_passed == 17
    assert Point(point.place, "cut_after").bytes_passed is None
