"""`sweep`, `interleave` and `coverage`: what they refuse, and what their results amount to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from harness.checks import Verdict
from harness.cli.main import main
from harness.exit_status import ExitStatus
from harness.present.terminal.views.search.orders import counts_line
from harness.present.terminal.views.search.sweep import sweep_lines
from harness.results.revision import commit_of, revision_of
from harness.search.orders.interleaving import OrderResult
from harness.search.recording.places import CellId, Kind
from harness.search.recording.recording import Recording
from harness.search.sweep.plan import Choice
from harness.search.sweep.results import CellVerdict, LaneProblem, SweepResults
from harness.search.sweep.sweeper import Sweeper
from harness.suite.status import verdicts_status
from harness.suite.verbs.sweep import kinds_needed, sweep_status
from tests.search.made import cell, result

SCENARIOS = Path(__file__).parents[2] / "scenarios"
HELD, FAILED, DOUBT, UNMET = CellVerdict.HELD, CellVerdict.FAILED, CellVerdict.INCONCLUSIVE, CellVerdict.UNMET
NOTICED, SILENT = CellVerdict.NOTICED, CellVerdict.SILENT


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ([HELD, UNMET], ExitStatus.HELD), ([HELD, DOUBT], ExitStatus.INCONCLUSIVE),
        ([HELD, DOUBT, FAILED], ExitStatus.FAILED), ([], ExitStatus.NOTHING_RAN),
        ([HELD, SILENT, NOTICED], ExitStatus.HELD), ([UNMET, UNMET], ExitStatus.INCONCLUSIVE),
    ],
)  # fmt: skip
def test_a_sweep_ends_like_a_gate(verdicts: list[CellVerdict], status: ExitStatus) -> None:
    assert sweep_status(SweepResults(cells=[result(verdict) for verdict in verdicts])) is status


def test_what_no_cell_is_to_blame_for_fails_the_sweep_too() -> None:
    problem = LaneProblem(lane=1, verdict=FAILED, reason="rows that nobody sent")
    assert sweep_status(SweepResults(cells=[result(HELD)], problems=[problem])) is ExitStatus.FAILED


@pytest.mark.parametrize(
    ("verdicts", "planned", "status"),
    [
        ([HELD], 2, ExitStatus.INCONCLUSIVE), ([HELD, HELD], 3, ExitStatus.INCONCLUSIVE),
        ([FAILED], 2, ExitStatus.FAILED), ([], 2, ExitStatus.NOTHING_RAN), ([HELD], 1, ExitStatus.HELD),
    ],
)  # fmt: skip
def test_a_sweep_that_judged_fewer_cells_than_planned_has_not_held(
    verdicts: list[CellVerdict], planned: int, status: ExitStatus
) -> None:
    cells = [result(verdict, cell(action)) for verdict, action in zip(verdicts, ("stall", "drop"), strict=False)]
    found = SweepResults(cells=cells, planned=planned)
    assert sweep_status(found) is status
    told = "".join(text for line in sweep_lines(found, "folder") for text, _ in line)
    assert ("not tried" in told) is (planned > len(cells))


def test_a_cell_that_is_judged_twice_does_not_stand_for_another() -> None:
    assert sweep_status(SweepResults(cells=[result(HELD)] * 2, planned=2)) is ExitStatus.INCONCLUSIVE


def order(verdict: Verdict, waits: int = 0) -> OrderResult:
    return OrderResult(
        mix="copies", requests=2, order=(1, 2), verdict=verdict, reason="", failing=(), told=(), answers=(),
        waits=waits, story=(), repro="",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ([Verdict.HELD], ExitStatus.HELD), ([Verdict.HELD, Verdict.FAILED, Verdict.INCONCLUSIVE], ExitStatus.FAILED),
        ([Verdict.HELD, Verdict.INCONCLUSIVE], ExitStatus.INCONCLUSIVE), ([], ExitStatus.NOTHING_RAN),
    ],
)  # fmt: skip
def test_orders_end_like_a_gate(verdicts: list[Verdict], status: ExitStatus) -> None:
    assert verdicts_status([each.verdict for each in map(order, verdicts)]) is status


def test_orders_are_counted_in_words() -> None:
    assert counts_line(2, "copies", [order(Verdict.HELD, waits=1)]) == (
        "2 copies: 1 order, 1 of them with a wait for a lock: 1 held"
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["sweep", "--actions", "cut_befor"], "closest valid: 'cut_before'"),
        (["sweep", "--profile", "hardend"], "closest valid: 'hardened'"),
        (["sweep", "--kind", "hot"], "'hot' is not one of"),
        (["sweep", "--lanes", "17"], "--lanes"),
        (["interleave", "--mix", "copies", "--order", "13"], "--order"),
        (["interleave", "--order", "12"], "an order belongs to one mix"),
        (["sweep", "--only", "warm/postgres/sent/commit/Query/COMMIT/1/cut_bevore"], "closest valid: 'cut_before'"),
        (["coverage", "--floor", "101"], "--floor"),
    ],
)
def test_what_does_not_exist_is_refused_with_the_closest(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--results", str(tmp_path)]) == ExitStatus.USAGE
    assert told in capsys.readouterr().err


def test_one_cell_needs_one_recording() -> None:
    cell = "warm/postgres/sent/commit/Query/COMMIT/1/cut_before"
    assert kinds_needed(Choice(only=cell)) == ["warm"]
    assert kinds_needed(Choice(only=f"{cell} then {cell.removeprefix('warm/')}", pairs=True)) == ["warm", "fresh"]
    assert kinds_needed(Choice(only="COMMIT")) == ()


def test_a_sweep_of_one_cell_leaves_its_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cell = "warm/postgres/sent/commit/Query/COMMIT/1/cut_before"
    assert main(["sweep", "--only", cell, "--results", str(tmp_path), "--json", "--seed", "7"]) == ExitStatus.HELD
    told = json.loads(capsys.readouterr().out)
    (tried,) = told["cells"]
    assert (tried["id"], tried["verdict"], told["complete"]) == (cell, "held", True)
    assert f"--only {cell} " in tried["repro"]
    assert "--seed 7" in tried["repro"]
    assert json.loads((tmp_path / "latest" / "sweep.json").read_text("utf-8")) == told
    assert (tried["struck"], tried["tries"], told["part"], told["without"]) == (1, 1, True, [])
    assert commit_of(told["run"]["revision"]) == commit_of(revision_of(SCENARIOS)) != ""
    assert cell.rpartition("/")[2] in (tmp_path / "latest" / "sweep.html").read_text("utf-8")
    assert (tmp_path / "latest" / tried["history"]).is_file()


def test_a_sweep_that_leaves_out_a_planned_cell_is_incomplete_and_inconclusive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = Sweeper.sweep

    async def forgetful(one: Sweeper, cells: Sequence[CellId], recordings: Mapping[Kind, Recording]) -> None:
        await sweep(one, cells[:-1], recordings)

    monkeypatch.setattr(Sweeper, "sweep", forgetful)
    words = ["sweep", "--only", "warm/postgres/sent/commit/Query/COMMIT/1/", "--actions", "cut_before,cut_after"]
    assert main([*words, "--results", str(tmp_path), "--json"]) == ExitStatus.INCONCLUSIVE
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert (len(told["cells"]), told["planned"], told["complete"], told["exit_status"]) == (1, 2, False, 3)
    assert "incomplete: 1 cell of 2 not tried" in captured.err
