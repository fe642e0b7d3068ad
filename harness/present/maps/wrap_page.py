"""The page of a sweep over a command: its map, and each break that changed the result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from harness.checks import Verdict
from harness.present.looks import STATUSES, Tone, look
from harness.present.maps.drawing import drawn
from harness.present.maps.fault_map import FaultMap, MapRow, Sign
from harness.present.maps.sweep_page import STYLES
from harness.present.templates import rendered
from harness.results.files import write_atomically
from harness.results.text import counted, one_line
from harness.suite.status import verdicts_status
from harness.wrap.sweep.cells import KINDS
from harness.wrap.sweep.results import HTML_FILE, SweepFound, findings

MEANINGS: dict[Verdict, str] = {
    Verdict.HELD: "the result is as without a break",
    Verdict.FAILED: "the result changed",
    Verdict.INCONCLUSIVE: "the break did not bite",
}


def map_of(found: SweepFound) -> FaultMap:
    """Statements down, breaks across."""
    rows: dict[tuple[str, str], dict[int, str]] = {}
    for result in found.cells:
        statement = result.cell.statement
        label = "(every connection)" if statement is None else f"{statement.shape} {statement.occurrence}"
        cells = rows.setdefault((result.cell.server, label), {})
        cells[KINDS.index(result.cell.kind)] = look(result.verdict.value).letter
    counts = Counter(result.verdict for result in found.cells)
    signs = tuple(_sign(verdict, counts[verdict]) for verdict in MEANINGS if counts[verdict])
    servers = list(dict.fromkeys(server for server, _ in rows))
    made = tuple(
        MapRow(
            group=server,
            label=one_line(label),
            told=one_line(f"{server}: {label}"),
            runs=tuple((column, column, letter) for column, letter in sorted(cells.items())),
        )
        for (server, label), cells in sorted(rows.items(), key=lambda row: servers.index(row[0][0]))
    )
    about = tuple(f"left out: {sentence}" for sentence in found.left_out)
    return FaultMap(
        of="wrap", title="What was done to each statement", about=about, columns=KINDS, signs=signs, rows=made
    )  # fmt: skip


def _sign(verdict: Verdict, count: int) -> Sign:
    looks = look(verdict.value)
    tone: Tone = looks.tone
    return Sign(letter=looks.letter, meaning=MEANINGS[verdict], tone=tone, count=count)


def write_page(found: SweepFound, folder: Path, *, command: str) -> None:
    """Write `wrap.html`."""
    write_atomically(folder / HTML_FILE, page(found, command=command))


def page(found: SweepFound, *, command: str) -> str:
    """Return the page."""
    counts = ", ".join(f"{count} {verdict.value}" for verdict, count in found.counts.items())
    sentence = f"{len(found.cells)} of {counted(found.planned, 'break')} tried: {counts}."
    lines = [f"left out: {each}" for each in found.left_out]
    word, tone = STATUSES[verdicts_status({result.verdict for result in found.cells})]
    doubtful = [result for result in found.cells if result.verdict is Verdict.INCONCLUSIVE]
    return rendered(
        "wrap.html.j2", styles=STYLES, script="copy.js", title=one_line(f"Sweep over {command}"),
        lines=[one_line(line) for line in lines], map=drawn(map_of(found)) if found.cells else None,
        word=word, tone=tone, sentence=sentence, command=one_line(command), causes=findings(found), doubtful=doubtful,
    )  # fmt: skip


__all__: Sequence[str] = ["map_of", "page", "write_page"]
