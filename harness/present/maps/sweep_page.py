"""The page of a sweep: its maps. Each cell shows what was seen there and how to repeat it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.present.looks import STATUSES, look
from harness.present.maps.drawing import CELL_HEIGHT, Drawn, drawn
from harness.present.maps.grid import ActionRow, ByteRow, grids_of
from harness.present.maps.mapping import maps_of
from harness.present.templates import as_script_data, rendered
from harness.results.files import write_atomically
from harness.results.revision import short
from harness.results.text import one_line, shortened, visible
from harness.search.sweep.report import HTML_FILE, SweepReport, judged_a_second
from harness.search.sweep.results import NOTABLE, CellResult, CellVerdict, SweepResults

STYLES = "colours.css report.css map.css sweep.css"
FOUND_MAX = 200
"""How many cells that did not hold are listed. All are in the maps."""
FOUND_OPEN = 20
REASON_CHARACTERS = 160
"""A limit for that list. A click shows the whole text."""
_VERDICTS = list(CellVerdict)


@dataclass(slots=True)
class _Texts:
    """Texts that many cells share, each once."""

    known: dict[str, int] = field(default_factory=dict)

    def index(self, text: str) -> int:
        return self.known.setdefault(text, len(self.known))


@dataclass(frozen=True, slots=True, kw_only=True)
class PageHead:
    """The head of the sweep's page. `repro`: the line that repeats a cell, with `{id}` in place of its id.

    `word`, `sentence`: the outcome; `tone`: the verdict that it looks like. `facts`: by name. `lines`: the rest.
    """

    title: str
    lines: Sequence[str]
    repro: str
    run: str = ""
    word: str = "Sweep"
    tone: str = "inconclusive"
    sentence: str = ""
    facts: Sequence[tuple[str, str]] = ()
    command: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A cell that did not hold, as the list shows it. `index`: its place in the sweep, None for a lane's problem."""

    index: int | None
    text: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Clickable:
    """A drawn map, and the cells of each of its rows: column or byte, and index in the sweep."""

    name: str
    drawn: Drawn
    rows: Sequence[ActionRow | ByteRow]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON that the page's script reads."""
        rows = [{"y": y, "cells": sorted(row.cells.items())} for y, row in zip(self.drawn.tops, self.rows, strict=True)]
        left, width = self.drawn.left, self.drawn.wide
        return {"svg": self.name, "left": left, "width": width, "height": CELL_HEIGHT, "rows": rows}


def write_page(report: SweepReport, folder: Path) -> None:
    """Write `sweep.html` into the run's folder."""
    ids = {str(cell.cell): index for index, cell in enumerate(report.results.cells)}
    stories = {ids[cell]: story for cell, story in report.stories.items() if cell in ids}
    write_atomically(folder / HTML_FILE, page(report.results, _head(report), stories))


def _head(report: SweepReport) -> PageHead:
    info, results = report.info, report.results
    counts = ", ".join(f"{count} {verdict}" for verdict, count in results.counts.items() if count) or "nothing"
    how_many = f"{len(results.cells)} of {results.planned} cells in {results.sweeping_s:.1f} s"
    lines = [f"left out: {sentence}" for sentence in results.left_out]
    if not report.complete:
        lines.append("incomplete: it was ended early")
    word, tone = STATUSES[report.exit_status]
    facts = [
        ("began", info.started_at.replace("T", " ").replace("+00:00", " UTC")), ("target", info.target),
        ("profile", info.profile), ("without", ", ".join(report.without)), ("seed", str(info.seed)),
        ("revision", short(info.revision)), ("judged", f"{judged_a_second(results):g} a second"),
    ]  # fmt: skip
    return PageHead(
        title=f"Sweep of {info.target}", lines=lines, repro=report.repro, run=info.id, word=word, tone=tone,
        sentence=f"{counts}: {how_many}.", facts=facts, command=info.command,
    )  # fmt: skip


def page(results: SweepResults, head: PageHead, stories: Mapping[int, str]) -> str:
    """Return the page. `stories`: histories of the cells that did not hold, by their index."""
    grids = grids_of(results)
    rows: dict[bool, Sequence[ActionRow | ByteRow]] = {True: grids.actions, False: grids.bytes}
    maps = [
        _Clickable("actions" if each.columns else "bytes", drawn(each), rows[bool(each.columns)])
        for each in maps_of(results, grids)
    ]
    texts = _Texts()
    cells = [_cell(result, texts) for result in results.cells]
    data = {
        "verdicts": [look(verdict).meaning for verdict in _VERDICTS],
        "cells": cells,
        "texts": list(texts.known),
        "stories": {str(index): visible(story) for index, story in stories.items()},
        "repro": head.repro,
        "maps": [each.to_json() for each in maps],
    }
    found = list(_found(results))
    return rendered(
        "sweep.html.j2", styles=STYLES, script="copy.js sweep.js", head=head, results=results, maps=maps,
        keys=[(look(verdict), count) for verdict, count in results.counts.items() if count],
        found=found[:FOUND_MAX], more=len(found[FOUND_MAX:]), is_open=len(found) <= FOUND_OPEN,
        data=as_script_data(data),
    )  # fmt: skip


def _cell(result: CellResult, texts: _Texts) -> list[int | float]:
    action = result.cell.last.action
    return [
        _VERDICTS.index(result.verdict),
        texts.index(str(result.cell).removesuffix(action)),
        texts.index(visible(result.reason)),
        texts.index(visible(result.answer)),
        texts.index(visible("; ".join(_seen(result)))),
        texts.index(result.history),
        *result.lines,
        round(result.took_ms, 1),
        result.lane,
        texts.index(action),
    ]


def _seen(result: CellResult) -> Sequence[str]:
    return (f"tried {result.tries} times", *result.evidence) if result.tries > 1 else result.evidence


def _found(results: SweepResults) -> Iterator[Found]:
    """What did not hold: the problems of lanes, then cells, the worst first."""
    for problem in results.problems:
        yield Found(None, one_line(f"lane {problem.lane}: {problem.verdict}: {problem.told}"))
    for verdict in NOTABLE:
        for index, each in enumerate(results.cells):
            if each.verdict is verdict:
                reason = shortened(one_line(each.reason), REASON_CHARACTERS)
                yield Found(index, one_line(f"{each.verdict}: {each.cell}"), reason)
