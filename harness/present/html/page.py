"""The report page: all that its template shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.present.html.causes import RunPlace
from harness.present.html.drawings.grid import Grid
from harness.present.html.drawings.heat_map import HeatMap
from harness.present.html.earlier_runs import Past
from harness.present.html.packing import packed
from harness.present.html.runs.view import RunView
from harness.present.html.sentence import Headline
from harness.present.maps.drawing import Drawn
from harness.present.templates import rendered
from harness.results.cause import Found
from harness.results.model import SummaryRead


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Everything that the template writes. `links`: other files beside the report, by label.

    `found`: what failed, by its causes. `maps_problem`: which maps are missing, and why.
    """

    summary: SummaryRead
    found: Sequence[Found[RunPlace]]
    headline: Headline
    grid: Grid
    heat_map: HeatMap | None
    runs: Sequence[RunView]
    past: Past
    maps: Sequence[Drawn]
    maps_problem: str
    links: Sequence[tuple[str, str]]
    repeat: str


def page_text(page: Page) -> str:
    """Return the page as HTML."""
    styles = "colours.css report.css map.css"
    return rendered("report.html.j2", styles=styles, script="copy.js report.js", page=page, packed=packed(page.runs))


def broken_text(problem: str) -> str:
    """Return the page that replaces a report that could not be made."""
    return rendered("broken.html.j2", problem=problem)
