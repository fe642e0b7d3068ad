"""replay, soak, faults and doctor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness import postgres
from harness.checks import Verdict
from harness.cli.main import main
from harness.engine.steps import Deliver, Inject
from harness.faults import Fault, link
from harness.present.terminal.views.soak import soak_lines
from harness.results import RunKey
from harness.scenario.schedule import Begin, Do, End, Schedule
from tests.cli.support import runs_by_id, summary_in
from tests.results.made import made
from tests.tiny import run_harness

CUT = Schedule(
    id="cut[x]",
    profile="whole",
    without=("retry",),
    seed=5,
    partial=False,
    moves=(Begin(1, Inject((link.cut(postgres),))), Do(Deliver()), End(1)),
)


def test_a_schedule_is_printed_as_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    CUT.write(tmp_path / "cut.json")
    assert main(["replay", "cut.json", "--print"]) == 0
    assert capsys.readouterr().out == (
        "# cut[x], profile whole, without retry, seed 5.\n"
        "async def test_cut_x_(lab: Lab) -> None:\n"
        "    async with lab.inject(link.cut(postgres)):\n"
        "        await lab.deliver()\n"
    )


def test_a_schedule_is_performed_as_it_was_recorded(suite: Path) -> None:
    CUT.write(suite / "cut.json")
    process = run_harness("replay", "cut.json", cwd=suite)
    assert process.returncode == 1, process.stderr
    data = summary_in(suite)
    run = runs_by_id(data)["cut[x]"]
    assert (run["profile"], run["without"], run["seed"]) == ("whole", ["retry"], 5)
    assert run["failing_checks"] == ["outcome"]
    assert run["repro"].endswith("harness replay cut.json")
    again = (suite / ".results" / "latest" / run["schedule"]).read_text("utf-8")
    assert again == (suite / "cut.json").read_text("utf-8")


def test_a_partial_schedule_is_repeated_by_its_id(suite: Path) -> None:
    partial = Schedule(id="healthy[no_fault]", profile="whole", without=(), seed=3, partial=True, moves=())
    partial.write(suite / "partial.json")
    process = run_harness("replay", "partial.json", cwd=suite)
    assert process.returncode == 0, process.stderr
    run = runs_by_id(summary_in(suite))["healthy[no_fault]"]
    assert run["figures"]["requests"] == 2
    assert "gate 'healthy[no_fault]'" in run["repro"]


def test_a_soak_runs_the_selection_again_with_other_seeds_if_wanted_without_the_night(suite: Path) -> None:
    file = suite / "scenarios" / "all_verdicts.py"
    first, rest = file.read_text("utf-8").replace("needs, ", "needs, nightly, ").split("test_cut")
    later = rest.replace("\n\n\n@", '\n\n\n@nightly("takes long")\n@')
    file.write_text(f"{first}test_cut{later}", "utf-8")
    process = run_harness("soak", "--no-nightly", "--runs", "2", "--seed", "4", cwd=suite)
    assert process.returncode == 0, process.stderr
    runs = summary_in(suite)["runs"]
    assert [run["seed"] for run in runs] == [4, 5]
    assert len({run["history"] for run in runs}) == 2
    assert "2 held" in process.stdout
    assert "duration_s " in process.stdout
    assert "left for the night: 5 scenarios; run without --no-nightly:\n  healthy[no_fault], " in process.stdout


def test_what_varied_in_a_soak_is_named() -> None:
    results = [made(), made(Verdict.FAILED, seed=8), made(), made(key=RunKey("steady", "hardened"))]
    text = ["".join(piece for piece, _ in line) for line in soak_lines(results)]
    assert text[0].startswith("2 held, 1 failed")
    assert "duration_s 1.5 to 1.5" in text[0]
    assert "    varied: seed 8 failed: outcome: 1 of 5: refused" in text
    assert text[2].startswith("1 held")
    assert len(text) == 3


def test_every_fault_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faults"]) == 0
    said = capsys.readouterr().out
    for kind in Fault.kinds():
        if kind:
            assert any(line.startswith(kind) for line in said.splitlines()), kind
    assert "link.latency(link: Link, *, latency_ms: int, jitter_ms: int = 0" in said
    assert "    needs: seccomp" in said


def test_the_doctor_says_what_it_found(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["doctor", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert status == (0 if report["ok"] else 3)
    assert main(["doctor"]) == status
    assert "PostgreSQL" in capsys.readouterr().out


def test_a_doctor_that_finds_no_postgresql_says_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--postgres", str(tmp_path)]) == 3
    said = capsys.readouterr().out
    assert "NO   PostgreSQL" in said
    assert "mend: " in said
