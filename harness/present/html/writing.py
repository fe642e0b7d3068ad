"""Reads a results folder and writes its report."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.errors import UsageError
from harness.present.html.causes import findings_of
from harness.present.html.drawings.grid import grid_of
from harness.present.html.drawings.heat_map import heat_map_of
from harness.present.html.earlier_runs import Past, past_of
from harness.present.html.page import Page, broken_text, page_text
from harness.present.html.parallel import made_in_shares, shares_for
from harness.present.html.runs.detail import Details
from harness.present.html.runs.evidence_order import Telling
from harness.present.html.runs.view import Context, RunView, Shelf, run_view
from harness.present.html.sentence import headline
from harness.present.maps.drawing import Drawn, drawn
from harness.present.maps.fault_map import read_maps
from harness.results.files import write_atomically
from harness.results.folder import FILE
from harness.results.model import ProofRead, SummaryRead
from harness.results.reading import read_summary

REPORT = "report.html"
BESIDE = (
    ("sweep.html", "the sweep's maps"),
    ("coverage.html", "the coverage map"),
    (FILE, FILE),
    ("junit.xml", "junit.xml"),
    ("ctrf.json", "ctrf.json"),
    ("logs", "logs"),
)
"""Files that may lie beside the report, and their labels."""


def write_report(folder: Path) -> Path:
    """Write `report.html` into a results folder, from the files in it. Return its path.

    Raises UsageError if the folder has no readable summary, and OSError. For a history that cannot be read, the report
    says so.
    """
    path = folder / REPORT
    write_atomically(path, page_text(page_of(folder)))
    return path


def report_run(folder: Path) -> str:
    """Write the report at the end of a run. Return why that failed; empty if it did not.

    If the making fails, the page says so, and the run's outcome stays as it is. Raises OSError if no file can be
    written at all.
    """
    try:
        write_report(folder)
    except OSError:
        raise
    except Exception as problem:  # noqa: BLE001  # told in full, where the reader looks for the report
        write_atomically(folder / REPORT, broken_text(traceback.format_exc()))
        return f"{type(problem).__name__}: {problem}"
    return ""


def page_of(folder: Path) -> Page:
    """Read everything that the page shows."""
    summary = read_summary(folder / FILE)
    past = past_of(folder, REPORT, summary)
    maps, maps_problem = _maps(folder)
    return Page(
        summary=summary,
        found=findings_of(summary),
        headline=headline(summary),
        grid=grid_of(summary),
        heat_map=heat_map_of(summary),
        runs=sorted(_runs(folder, summary, past), key=lambda view: view.as_wanted),
        past=past,
        maps=maps,
        maps_problem=maps_problem,
        links=[(words, name) for name, words in BESIDE if (folder / name).exists()],
        repeat=summary.run.command,
    )


def _maps(folder: Path) -> tuple[Sequence[Drawn], str]:
    """The maps that lie beside the run, and what cannot be read."""
    try:
        found = read_maps(folder)
    except UsageError as problem:
        return (), problem.message
    return [drawn(each) for each in found.maps if each.rows], "; ".join(found.problems)


def _runs(folder: Path, summary: SummaryRead, past: Past) -> Sequence[RunView]:
    shelf = Shelf(folder)
    contexts = list(_contexts(summary, past))

    def view_at(place: int) -> RunView:
        return run_view(place, summary.runs[place], shelf, contexts[place])

    return made_in_shares(view_at, range(len(summary.runs)), shares_for(len(summary.runs)))


def _contexts(summary: SummaryRead, past: Past) -> Iterator[Context]:
    details, telling = Details(len(summary.runs)), Telling(summary)
    for run in summary.runs:
        proofs = _proofs_of(str(run.key), run.role, summary)
        wanted = run.verdict == "held" if run.role != "ablated" else all(p.verdict == "proved" for p in proofs)
        yield Context(proofs, telling.of(run), past.of(run), details.next(wanted=wanted))


def _proofs_of(key: str, role: str, summary: SummaryRead) -> Sequence[ProofRead]:
    if role == "ablated":
        return [proof for proof in summary.proofs if proof.ablated == key]
    return [proof for proof in summary.proofs if proof.control == key]
