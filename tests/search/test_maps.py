"""The maps: letters where colours do not reach, every text escaped, equal neighbours one rectangle."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from html.parser import HTMLParser
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.present.maps.grid import Run, runs_of
from harness.present.maps.sweep_page import PageHead, page
from harness.present.templates import as_script_data
from harness.present.terminal.views.search.sweep_map import map_lines
from harness.search.recording.places import CellId, Place, Point
from harness.search.sweep.results import CellVerdict
from tests.search.made import cell, place, result, results

HEAD = PageHead(title="Sweep of x", lines=["a line"], repro="python -m harness sweep --only {id}")
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\x00&'\""


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


def data_of(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_the_terminal_shows_a_letter_for_each_verdict_and_a_dot_where_nothing_was_tried() -> None:
    other = place("Execute", "INSERT", phase="query")
    swept = results(
        result(CellVerdict.HELD, cell("cut_before")), result(CellVerdict.FAILED, cell("stall")),
        result(CellVerdict.INCONCLUSIVE, cell("cut_before", at=other)), result(CellVerdict.HELD, cell("cut@3")),
    )  # fmt: skip
    lines = ["".join(text for text, _ in line).rstrip() for line in map_lines(swept)]
    commit = next(line for line in lines if line.startswith("  > Query COMMIT"))
    assert commit.split()[3:5] == ["h", "F"]
    assert "cut inside: 1h" in commit
    insert = next(line for line in lines if line.startswith("  > Execute INSERT"))
    assert insert.split()[3:] == ["?", "."]
    assert "F failed" in lines


def test_cells_that_took_more_than_one_try_are_told() -> None:
    swept = results(
        result(CellVerdict.HELD, cell("cut_before"), tries=2), result(CellVerdict.INCONCLUSIVE, cell("stall"), tries=3),
        result(CellVerdict.HELD, cell("drop")),
    )  # fmt: skip
    said = "tried more than once: 2 cells, 3 times at most"
    assert [(said, "dim")] in list(map_lines(swept))
    text = page(swept, HEAD, {})
    assert f"<li>{said}</li>" in text
    data = data_of(text)
    assert [data["texts"][row[4]] for row in data["cells"]] == ["tried 2 times", "tried 3 times", ""]
    assert [each.to_json()["tries"] for each in swept.cells] == [2, 3, 1]
    assert not results(result(CellVerdict.HELD)).tried_again


def test_the_action_names_stand_over_their_columns() -> None:
    swept = results(result(CellVerdict.HELD, cell("drop")), result(CellVerdict.HELD, cell("stall")))
    lines = ["".join(text for text, _ in line) for line in map_lines(swept)]
    column = next(line for line in lines if "> Query" in line).rindex("h")
    assert "".join(line[column] for line in lines[:5]).strip() == "drop"


@given(st.dictionaries(st.integers(1, 40), st.sampled_from(list(CellVerdict)), min_size=1))
def test_runs_cover_every_byte_once_and_only_equal_neighbours_are_merged(verdicts: dict[int, CellVerdict]) -> None:
    cells = [result(verdict) for verdict in verdicts.values()]
    runs = runs_of({passed: index for index, passed in enumerate(verdicts)}, cells)
    covered = {passed: run.verdict for run in runs for passed in range(run.begin, run.end + 1)}
    assert covered == verdicts
    assert not any(a.end + 1 == b.begin and a.verdict is b.verdict for a, b in itertools.pairwise(runs))


def test_equal_neighbours_are_one_rectangle_and_each_keeps_its_own_data() -> None:
    cells = [result(CellVerdict.HELD, cell(f"cut@{n}")) for n in range(1, 301)]
    text = page(results(*cells), HEAD, {})
    (bars,) = re.findall(r'<path class="m-held" d="(M\d[^"]*)"', text.partition('id="bytes"')[2])
    assert bars.count("M") == 1
    assert len(data_of(text)["cells"]) == 300
    assert runs_of({1: 0, 2: 1}, cells) == [Run(1, 2, CellVerdict.HELD)]


def test_nothing_that_a_service_or_a_server_said_becomes_markup() -> None:
    evil = CellId("warm", Point(Place("postgres", "sent", "query", "Query", EVIL.replace("\x00", ""), 1), "stall"))
    bad = result(CellVerdict.FAILED, evil, reason=EVIL, answer=EVIL, repro=EVIL)
    head = PageHead(title=EVIL, lines=[EVIL], repro=EVIL)
    text = page(results(bad), head, {0: EVIL})
    tags = _Tags()
    tags.feed(text)
    assert tags.tags.count("script") == 2
    assert "img" not in tags.tags
    assert not tags.handlers
    assert "\x00" not in text


@given(st.text())
def test_data_cannot_end_its_script_and_reads_back(text: str) -> None:
    written = as_script_data({"text": text})
    assert not set("<>&") & set(written)
    assert json.loads(written) == {"text": text}


def test_a_click_finds_the_cells_history_and_its_repro() -> None:
    one = result(CellVerdict.FAILED, cell("stall"), reason="lost", history="history/lane-1.jsonl")
    data = data_of(page(results(one), HEAD, {0: "12.0 ms it happened"}))
    assert data["repro"] == HEAD.repro
    texts = data["texts"]
    (row,) = data["cells"]
    assert f"{texts[row[1]]}{texts[row[10]]}" == str(one.cell)
    assert texts[row[5]] == "history/lane-1.jsonl"
    assert data["stories"] == {"0": "12.0 ms it happened"}


def test_the_page_asks_nothing_of_any_network() -> None:
    text = page(results(result(CellVerdict.HELD)), HEAD, {})
    assert "default-src &#39;none&#39;" in text
    assert not re.search(r"(https?:)?//[a-z]", text.replace("// ", ""))


def test_the_pages_policy_lets_its_own_style_and_script_through() -> None:
    text = page(results(result(CellVerdict.HELD)), HEAD, {})
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    for kind, part in (("style", style), ("script", script)):
        digest = base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()
        assert f"{kind}-src &#39;sha256-{digest}&#39;" in text
