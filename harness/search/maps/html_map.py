"""The maps as one HTML file: it needs no network, and every text in it is escaped."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib import resources
from typing import Any

from harness.results.text import one_line, shortened, visible
from harness.search.maps.grid import grids_of
from harness.search.maps.svg import LEFT, Drawn, action_map, byte_map, swatch
from harness.search.sweep.results import MEANINGS, WORST_FIRST, CellResult, CellVerdict, SweepResults

FOUND_MAX = 200
"""Cells that did not hold are listed up to so many; all are in the maps."""
FOUND_OPEN = 20
REASON_CHARACTERS = 160
"""In that list; a click shows all of it."""
TOLD = (CellVerdict.FAILED, CellVerdict.SILENT, CellVerdict.INCONCLUSIVE)
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""The browser itself sees to it that nothing is fetched."""


@dataclass(slots=True)
class _Texts:
    """Texts that many cells share, each once."""

    known: dict[str, int] = field(default_factory=dict)

    def index(self, text: str) -> int:
        return self.known.setdefault(text, len(self.known))


@dataclass(frozen=True, slots=True, kw_only=True)
class PageHead:
    """What the page says of the sweep. `repro`: the line that repeats a cell, with `{id}` in place of its id."""

    title: str
    lines: Sequence[str]
    repro: str


def page(results: SweepResults, head: PageHead, stories: Mapping[int, str]) -> str:
    """Return the page. `stories`: histories of the cells that did not hold, by their index."""
    grids = grids_of(results)
    maps = [action_map(grids, results), byte_map(grids)]
    texts = _Texts()
    cells = [_cell(result, texts) for result in results.cells]
    data = {
        "verdicts": [MEANINGS[verdict] for verdict in WORST_FIRST],
        "cells": cells,
        "texts": list(texts.known),
        "stories": {str(index): visible(story) for index, story in stories.items()},
        "repro": head.repro,
        "maps": [_placed(each) for each in maps],
    }
    return "".join(_document(results, head, maps, data))


def _cell(result: CellResult, texts: _Texts) -> list[int | float]:
    place, _, action = str(result.cell).rpartition("/")
    return [
        WORST_FIRST.index(result.verdict),
        texts.index(f"{place}/"),
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


def _placed(drawn: Drawn) -> dict[str, Any]:
    rows = [{"y": row.y, "cells": row.cells} for row in drawn.rows]
    return {"svg": drawn.name, "left": LEFT, "width": drawn.width, "height": drawn.height, "rows": rows}


def _document(results: SweepResults, head: PageHead, maps: Sequence[Drawn], data: Mapping[str, Any]) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield f"<title>{escape(one_line(head.title))}</title>\n"
    yield f"<style>\n{_part('page.css')}</style>\n</head>\n<body>\n<main>\n"
    yield f"<h1>{escape(one_line(head.title))}</h1>\n"
    yield from (f'<p class="soft">{escape(one_line(line))}</p>\n' for line in head.lines)
    yield from _legend(results)
    for drawn, title in zip(maps, ("What was done to each message", "Cut after each byte"), strict=True):
        if drawn.rows:
            yield f'<h2>{title}</h2>\n<div class="scroll">\n{drawn.svg}\n</div>\n'
    yield from _found(results)
    yield '</main>\n<aside id="panel" hidden aria-live="polite">\n<h2 id="which"></h2>\n<dl id="about"></dl>\n'
    yield '<p><button id="close" type="button">close (Esc)</button></p>\n</aside>\n'
    yield f'<script type="application/json" id="data">{as_script_data(data)}</script>\n'
    yield f"<script>\n{_part('page.js')}</script>\n</body>\n</html>\n"


def as_script_data(data: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _legend(results: SweepResults) -> Iterator[str]:
    yield '<ul class="legend">\n'
    for verdict, count in results.counts.items():
        if count:
            yield f"<li>{swatch(verdict)}{count} {escape(MEANINGS[verdict])}</li>\n"
    if results.tried_again:
        yield f"<li>{escape(results.tried_again)}</li>\n"
    yield "</ul>\n"


def _found(results: SweepResults) -> Iterator[str]:
    """Whatever did not hold, the worst first, as a list that leads to the cells."""
    told = [(n, each) for verdict in TOLD for n, each in enumerate(results.cells) if each.verdict is verdict]
    lane_problems = [f"lane {each.lane}: {each.verdict}: {each.reason}" for each in results.problems]
    if not told and not lane_problems:
        return
    yield f"<details{' open' if len(told) <= FOUND_OPEN else ''}>\n<summary>What did not hold</summary>\n"
    yield '<ul class="found">\n'
    yield from (f"<li>{escape(one_line(text))}</li>\n" for text in lane_problems)
    for index, each in told[:FOUND_MAX]:
        text = escape(one_line(f"{each.verdict}: {each.cell}"))
        reason = escape(shortened(one_line(each.reason), REASON_CHARACTERS))
        yield f'<li><button type="button" data-cell="{index}">{text}</button> {reason}</li>\n'
    if len(told) > FOUND_MAX:
        yield f"<li>and {len(told) - FOUND_MAX} more, in the maps</li>\n"
    yield "</ul>\n</details>\n"


def _part(name: str) -> str:
    return resources.files("harness.search.maps").joinpath("page", name).read_text("utf-8")
