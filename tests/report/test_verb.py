"""`harness report`, and the report that a gate leaves by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.main import main
from harness.results.reading import read_summary
from tests.report.support import plain_results, result, write_results
from tests.results.made import summary_of
from tests.search.space.test_coverage import swept
from tests.tiny import run_harness, write_suite


def test_a_runs_folder_is_named_by_its_path_or_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = plain_results(tmp_path / "20260225T101112Z-abcdef")
    (tmp_path / "latest").symlink_to(folder.name)
    for words in (["--results", str(tmp_path)], [folder.name, "--results", str(tmp_path)], [str(folder)]):
        (folder / "report.html").unlink(missing_ok=True)
        assert main(["report", *words]) == 0
        assert Path(capsys.readouterr().out.strip()).resolve() == folder / "report.html"
        assert (folder / "report.html").exists()


def test_a_run_that_is_not_there_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain_results(tmp_path / "20260225T101112Z-abcdef")
    assert main(["report", "20260225T101112Z-abcdeg", "--results", str(tmp_path)]) == 4
    assert "closest valid: '20260225T101112Z-abcdef'" in capsys.readouterr().err
    assert main(["report", "--results", str(tmp_path / "nowhere")]) == 4
    assert "run a gate first" in capsys.readouterr().err


def test_without_a_name_it_is_the_newest_run_though_a_sweep_came_later(tmp_path: Path) -> None:
    run = plain_results(tmp_path / "20260225T101112Z-abcdef")
    later = tmp_path / "20260226T101112Z-abcdef"
    later.mkdir()
    (later / "sweep.json").write_text('{"schema": "harness.sweep/0"}', "utf-8")
    (tmp_path / "latest").symlink_to(later.name)
    assert main(["report", "--results", str(tmp_path)]) == 0
    assert (run / "report.html").exists()


def test_a_sweep_that_cannot_be_read_is_told_and_the_report_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = plain_results(tmp_path / "20260225T101112Z-abcdef")
    (run / "sweep.json").write_text('{"schema": "harness.sweep/1", "run": null}', "utf-8")
    assert main(["report", run.name, "--results", str(tmp_path)]) == 0
    assert "maps: a sweep is left out: " in capsys.readouterr().err
    assert "are not shown: a sweep is left out: " in (run / "report.html").read_text("utf-8")


def test_a_gate_leaves_a_report_and_says_where(tmp_path: Path) -> None:
    write_suite(tmp_path)
    gate = run_harness("gate", "cut", cwd=tmp_path)
    assert gate.returncode == 0, gate.stderr
    line = next(line for line in gate.stdout.splitlines() if line.startswith("report: "))
    text = (tmp_path / line.removeprefix("report: ")).read_text("utf-8")
    assert "The scenario held under whole." in text
    assert 'aria-label="Latency of ' in text
    assert "connections_cut" in text


def test_a_sweep_that_came_later_is_drawn_when_the_report_is_written_again(tmp_path: Path) -> None:
    run = tmp_path / "20260225T101112Z-abcdef"
    write_results(run, summary_of(result(run)))
    info = read_summary(run).run
    of = {"target": info.target, "profile": info.profile, "revision": info.revision}
    swept(tmp_path / "20260226T101112Z-abcdef", "drop", **of)
    assert main(["report", run.name, "--results", str(tmp_path)]) == 0
    text = (run / "report.html").read_text("utf-8")
    assert 'class="fault-map"' in text
    assert 'href="../20260226T101112Z-abcdef/sweep.html"' in text
    swept(tmp_path / "20260227T101112Z-abcdef", "stall", **{**of, "target": "another.toml"})
    assert main(["report", run.name, "--results", str(tmp_path)]) == 0
    assert "20260227T101112Z-abcdef" not in (run / "report.html").read_text("utf-8")
