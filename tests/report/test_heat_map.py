"""The ablation matrix on the page: its runs stand there, and not in the grid."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.checks import Verdict
from harness.present.html.drawings.grid import PROOFS, grid_of
from harness.present.html.drawings.heat_map import HeatMap, heat_map_of
from harness.present.html.writing import write_report
from harness.results import RunKey
from harness.results.model import SummaryRead
from harness.results.reading import read_summary
from tests.report.support import write_results
from tests.results.made import ablated, made, proof_of, summary_of

MATRIX = {
    "ablation": {"matrix": {"profile": "hardened", "protections": ["pool.pre_ping", "pool.recycle", "load.shed"]}}
}
OTHER = RunKey("idle_pool_cut", "hardened", ("pool.recycle",))
BOTH = RunKey("idle_pool_cut", "hardened", ("pool.pre_ping", "pool.recycle"))


@pytest.fixture
def summary(tmp_path: Path) -> SummaryRead:
    """A proof's own run, one of the matrix alone, one without two protections, and a protection that was not tried."""
    control, proves = made(), ablated()
    runs = (control, proves, ablated(Verdict.HELD, key=OTHER), ablated(key=BOTH))
    proofs = [proof_of(control, proves)]
    return read_summary(
        write_results(tmp_path, summary_of(*runs, proofs=proofs, selection=["idle_pool_cut"], sections=MATRIX))
    )


def heat_map(summary: SummaryRead) -> HeatMap:
    found = heat_map_of(summary)
    assert found is not None
    return found


def test_each_cell_is_the_run_without_that_protection_alone(summary: SummaryRead) -> None:
    (row,) = heat_map(summary).rows
    assert [entry and (entry.run, entry.verdict) for entry in row.cells] == [(1, "failed"), (2, "held"), None]
    assert heat_map(summary).carried == [1, 0, 0]


def test_what_the_heat_map_has_is_no_column_of_the_grid(summary: SummaryRead) -> None:
    assert [(column.kind, column.name) for column in grid_of(summary).columns] == [
        ("run", "hardened"),
        ("proof", PROOFS.name),
        ("off", "hardened without pool.pre_ping, pool.recycle"),
    ]


def test_the_page_shows_it_where_there_is_one(summary: SummaryRead, tmp_path: Path) -> None:
    assert summary.run.profile == "hardened"
    page = write_report(tmp_path).read_text("utf-8")
    assert "With each protection off" in page
    assert 'aria-label="idle_pool_cut, without pool.recycle: held"' in page
    assert "With each protection off" not in write_report(
        write_results(tmp_path / "none", summary_of(made()))
    ).read_text("utf-8")
