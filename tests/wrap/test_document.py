"""`wrap.json` has the keys that docs/results.md tells, and its page and lines lead to what they name."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path

import pytest

from harness.checks import Verdict
from harness.cli.main import main
from harness.present.maps.drawing import COLUMN_WIDTH, drawn
from harness.present.maps.wrap_page import map_of, page
from harness.present.terminal.views.search.wrap_sweep import sweep_lines
from harness.results.cause import Cause
from harness.wrap.sweep.cells import KINDS, Cell
from harness.wrap.sweep.results import TEST_FAILED, CellResult, SweepFound, document_of
from harness.wrap.sweep.statements import Statement

DOCS = Path(__file__).parents[2] / "docs" / "results.md"
REASON = "tests.shop::test_order: asyncpg.exceptions.ConnectionDoesNotExistError: <gone>"
PHONE_WIDTH, MARGINS = 390, 60


def found() -> SweepFound:
    cause = Cause(TEST_FAILED, ("asyncpg.exceptions.ConnectionDoesNotExistError",), ("postgres",))
    broken = CellResult(cell=Cell("postgres", "refused"), verdict=Verdict.FAILED, reason=REASON, cause=cause)
    return SweepFound(planned=1, cells=[broken])


def keys_told(title: str) -> Collection[str]:
    section = DOCS.read_text("utf-8").partition("\n## wrap.json\n")[2].partition("\n## ")[0]
    table = section.partition(f"| {title} | what it is |")[2].partition("\n\n")[0]
    return set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))


def test_each_key_is_told_and_no_other() -> None:
    document = document_of(found(), complete=True, exit_status=1, command="pytest")
    assert keys_told("key") == set(document)
    assert keys_told("key of a cell") == set(found().cells[0].to_json())


def test_a_past_sweep_is_shown_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    statement = Statement(
        server="postgres", protocol="postgres", shape="INSERT INTO a/b", occurrence=2, text="", nth=2, telling=1,
        position=0,
    )  # fmt: skip
    swept = found()
    swept.left_out.append("3 breaks: no time")
    swept.cells.append(CellResult(cell=Cell("postgres", "delay", statement), verdict=Verdict.HELD, reason=""))
    folder = tmp_path / "20260225T101112Z-abcdef"
    folder.mkdir()
    document = document_of(swept, complete=True, exit_status=1, command="pytest -x")
    (folder / "wrap.json").write_text(json.dumps(document), "utf-8")
    for named in ([folder.name, "--results", str(tmp_path)], [str(folder)], [str(folder / "wrap.json")]):
        assert main(["report", *named]) == 0
        told = capsys.readouterr().out
        shown = ["".join(text for text, _ in line) for line in sweep_lines(swept, str(folder), "R '{id}' -- pytest -x")]
        again = [line for line in told.splitlines() if line.startswith("again: ")]
        assert [line for line in told.splitlines() if line not in again] == [
            each for each in shown if "again" not in each
        ]
        assert again[0].endswith("wrap --sweep --only 'postgres/refused' -- pytest -x")
    assert (folder / "wrap.html").read_text("utf-8") == page(swept, command="pytest -x")


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("schema", "harness.wrap/9", "closest valid: 'harness.wrap/1'"),
        ("planned", "many", "planned = 'many'"),
        ("cells", [{"id": "postgres/COMMIT/x/delay", "verdict": "held", "reason": ""}], "not a break of a sweep"),
        ("cells", [{"id": "postgres/eaten", "verdict": "held", "reason": ""}], "not a break of a sweep"),
    ],
)
def test_a_file_that_is_no_sweep_is_refused(
    key: str, value: object, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = {**document_of(found(), complete=True, exit_status=1, command="pytest"), key: value}
    (tmp_path / "wrap.json").write_text(json.dumps(document), "utf-8")
    assert main(["report", str(tmp_path)]) == 4
    said = capsys.readouterr().err
    assert told in said
    assert "sweep again" in said or "valid" in said


def test_long_names_break_between_their_words_on_a_narrow_page() -> None:
    text = page(found(), command="pytest")
    assert "asyncpg.<wbr>exceptions.<wbr>ConnectionDoesNotExistError" in text
    assert "&lt;gone&gt;" in text


def test_all_columns_of_the_map_are_on_a_phone_however_long_a_label_is() -> None:
    swept = found()
    statement = Statement(
        server="postgres", protocol="postgres", shape="INSERT INTO " + 9 * "long", occurrence=1, text="", nth=1,
        telling=1, position=0,
    )  # fmt: skip
    swept.cells.append(CellResult(cell=Cell("postgres", "delay", statement), verdict=Verdict.HELD, reason=""))
    map_ = drawn(map_of(swept))
    assert map_.left + len(KINDS) * COLUMN_WIDTH < map_.labels_x < PHONE_WIDTH - MARGINS


def test_the_button_that_copies_has_its_script() -> None:
    assert page(found(), command="pytest").count("<script>") == 1


def test_the_last_line_names_the_page() -> None:
    *_, last = sweep_lines(found(), ".results/x", "again {id}")
    assert "".join(text for text, _ in last) == "results: .results/x/wrap.html"
