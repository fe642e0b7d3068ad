from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from harness.checks import Verdict
from harness.cli.main import main
from harness.compare.trend import Trend, trends
from harness.results.model import SummaryRead
from tests.proof.made import FOLDER, own, read
from tests.results.made import made, summary_of

HELD, FAILED = Verdict.HELD, Verdict.FAILED


def run(number: int, verdict: Verdict = HELD, **changes: Any) -> SummaryRead:
    summary = summary_of(own("a", verdict, **changes))
    info = dataclasses.replace(summary.info, id=f"run-{number}", started_at=f"2026-02-25T10:11:{number:02}+00:00")
    return read(dataclasses.replace(summary, info=info))


def trend(*runs: SummaryRead) -> Trend:
    (found,) = trends(runs)
    return found


def figures(worst_ms: float, healthy_ms: float = 5.0) -> dict[str, float]:
    return {"healthy_ms": healthy_ms, "slowest_ms": worst_ms, "recovery_ms": 10.0}


def test_runs_are_looked_at_from_old_to_new() -> None:
    found = trend(run(2, FAILED), run(1), run(3, FAILED))
    assert [point.run for point in found.points] == ["run-1", "run-2", "run-3"]
    assert found.turned == "a turned from held to failed with run-2"
    assert found.flaky == ""


def test_a_verdict_that_goes_to_and_fro_is_flaky() -> None:
    found = trend(run(1), run(2, FAILED), run(3), run(4, Verdict.INCONCLUSIVE))
    assert found.flaky == "a is flaky: 2 held, 1 failed, 1 inconclusive; the verdict changed 3 times in 4 runs"
    assert found.turned == ""


def test_what_stays_the_same_is_nothing_to_tell() -> None:
    found = trend(*(run(n, figures=figures(100)) for n in range(6)))
    assert (found.flaky, found.turned, list(found.slower)) == ("", "", [])


def test_what_got_slower_is_told_by_medians_of_both_halves() -> None:
    times = (100, 110, 2000, 400, 420, 430)
    found = trend(*(run(n, figures=figures(worst)) for n, worst in enumerate(times)))
    assert found.slower == ["a got slower: the worst answer took 110 ms, and takes 420 ms (medians of 6 runs)"]


def test_a_slower_machine_is_no_slower_service() -> None:
    pairs = ((100, 5), (100, 5), (800, 40), (800, 40))
    assert trend(*(run(n, figures=figures(*pair)) for n, pair in enumerate(pairs))).slower == []


def test_the_whole_run_got_slower() -> None:
    found = trend(*(run(n, duration_s=seconds) for n, seconds in enumerate((1.0, 1.0, 3.0, 3.0))))
    assert found.slower == ["a got slower: the whole run took 1000 ms, and takes 3000 ms (medians of 4 runs)"]


def test_few_runs_and_runs_that_failed_are_no_trend() -> None:
    assert trend(run(1, duration_s=1.0), run(2, duration_s=9.0), run(3, duration_s=9.0)).slower == []
    slow = [run(n, FAILED if n > 1 else HELD, duration_s=9.0 if n > 1 else 1.0) for n in range(6)]
    assert trend(*slow).slower == []


def write(folder: Path, number: int, verdict: Verdict = HELD, **info: Any) -> None:
    summary = summary_of(made(verdict))
    named = dataclasses.replace(
        summary.info, id=f"run-{number}", started_at=f"2026-02-25T10:11:{number:02}+00:00", **info
    )
    run_folder = folder / f"run-{number}"
    run_folder.mkdir(parents=True)
    text = dataclasses.replace(summary, info=named).text(FOLDER.relative)
    (run_folder / "summary.json").write_text(text, "utf-8")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for number, verdict in enumerate((HELD, FAILED, HELD)):
        write(tmp_path, number, verdict)
    broken = tmp_path / "run-3"
    broken.mkdir()
    (broken / "summary.json").write_text("{", "utf-8")
    (tmp_path / "latest").symlink_to("run-2")
    return tmp_path


def test_the_verb_tells_of_the_kept_runs_and_of_those_left_out(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trend", "--results", str(results)]) == 0
    said = capsys.readouterr().out
    assert "3 runs, run-0 to run-2" in said
    assert "idle_pool_cut  +x+" in said
    assert "idle_pool_cut is flaky" in said
    assert "left out: run-3: " in said


def test_runs_of_another_kind_are_left_out(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(results, 9, target="other.toml")
    assert main(["trend", "--results", str(results), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == "harness.trend/1"
    assert len(data["scenarios"][0]["runs"]) == 1, "the newest run's target counts"
    assert set(data["left_out"]) == {"run-0", "run-1", "run-2", "run-3"}


def test_runs_can_be_named_and_counted(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trend", *(str(results / f"run-{n}") for n in range(3)), "--last", "2"]) == 0
    assert "idle_pool_cut  x+" in capsys.readouterr().out


def test_runs_are_named_as_for_a_report(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trend", "run-0", "latest", "--results", str(results)]) == 0
    assert "2 runs, run-0 to run-2" in capsys.readouterr().out
    assert main(["trend", "run-7", "--results", str(results)]) == 4
    assert f"RUN = 'run-7': no such run in {results}" in capsys.readouterr().err


def test_what_the_verb_run_made_is_left_out(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(results, 9, FAILED, verb="run")
    assert main(["trend", "--results", str(results)]) == 0
    assert "3 runs, run-0 to run-2" in capsys.readouterr().out


def test_a_run_that_was_named_and_cannot_be_read_is_a_usage_error(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trend", str(results / "run-3")]) == 4
    assert "or name a run's folder, or its summary.json" in capsys.readouterr().err


def test_without_a_run_nothing_ran(tmp_path: Path) -> None:
    assert main(["trend", "--results", str(tmp_path)]) == 5
    assert main(["trend", "--results", str(tmp_path / "nowhere")]) == 4
