from __future__ import annotations

from harness.checks import Verdict
from harness.present.terminal.views.proof.heat_map import heat_map_lines
from harness.proof.matrix import Cover, Matrix, matrix_of
from harness.results import RunKey, RunResult
from tests.proof.made import proof, tried
from tests.results.made import made

HELD, FAILED = Verdict.HELD, Verdict.FAILED


def runs(*cells: tuple[str, tuple[str, ...], Verdict]) -> dict[RunKey, RunResult]:
    keys = [(RunKey(name, "hardened", off), verdict) for name, off, verdict in cells]
    return {key: made(verdict, key=key) for key, verdict in keys}


KNOWN = runs(
    ("a", (), HELD),
    ("a", ("ping",), HELD),
    ("a", ("retry",), HELD),
    ("b", (), HELD),
    ("b", ("ping",), FAILED),
    ("b", ("retry",), HELD),
    ("c", (), FAILED),
    ("c", ("ping",), FAILED),
)


def laid_out() -> Matrix:
    about = proof("ping", without=("retry",))
    return matrix_of(KNOWN, ["a", "b", "c", "d"], ["ping", "retry"], "hardened", [tried("a", about), tried("b", about)])


def test_a_protection_carries_what_holds_with_it_and_fails_without() -> None:
    matrix = laid_out()
    assert matrix.carries("ping") == ["b"], "c fails with everything on"
    assert matrix.carries("retry") == []
    assert matrix.carried_by_none() == ["a"]


def test_two_that_matter_only_together_cover_for_each_other() -> None:
    assert laid_out().covers == (Cover("a", "ping", "retry"),), "in b, ping matters alone"


def test_what_was_not_run_has_no_row_and_no_cell() -> None:
    matrix = laid_out()
    assert [row.id for row in matrix.rows] == ["a", "b", "c"]
    assert set(matrix.rows[2].cells) == {"ping"}


def test_it_is_data() -> None:
    data = laid_out().to_json()
    assert data["protections"] == ["ping", "retry"]
    assert data["rows"][1]["cells"]["ping"] == {
        "verdict": "failed",
        "failing_checks": ["outcome"],
        "reason": "outcome: 1 of 5: refused",
    }
    assert data["covers"] == [{"scenario": "a", "protection": "ping", "covered_by": "retry"}]


def test_it_is_a_map() -> None:
    lines = ["".join(text for text, _ in line).rstrip() for line in heat_map_lines(laid_out())]
    assert "a  + + +" in lines
    assert "b  + x +" in lines
    assert "c  x x" in lines
    assert "  1 ping  carries 1 scenario: b" in lines
    assert "cover for each other: ping and retry, in a" in lines
