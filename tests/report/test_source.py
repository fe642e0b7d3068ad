"""Each run shows what its scenario says of itself, and its source as it was when it ran."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.present.html.runs.source import NOTHING, source_in
from harness.present.html.writing import page_of, write_report
from harness.results.places import Location
from harness.scenario.lab import Lab
from harness.scenario.scenario import Scenario
from harness.suite.sources import KeptSources
from tests.report.support import write_results
from tests.results.made import made, summary_of


async def test_of_a_suite(lab: Lab) -> None:
    """It is stored <once>."""
    await lab.deliver()


test_of_a_suite.__test__ = False  # type: ignore[attr-defined]  # a scenario's function, not a test of this suite


def scenario(name: str) -> Scenario:
    return Scenario(
        id=name, theme="pool", play=test_of_a_suite, location=Location("scenarios/pool.py", 3), function=test_of_a_suite
    )


def test_a_source_is_kept_once_for_all_parameters_and_shown_with_each_run(tmp_path: Path) -> None:
    sources = KeptSources(tmp_path, unwritten)
    kept = {sources.of(scenario(name)) for name in ("of_a_suite[1]", "of_a_suite[2]")}
    assert kept == {tmp_path / "sources" / "pool.of_a_suite.py"}
    folder = write_results(tmp_path, summary_of(*[made(source=path) for path in kept]))
    (view,) = page_of(folder).runs
    assert view.source.about == "It is stored <once>."
    assert view.source.code.startswith("# scenarios/pool.py:3\nasync def test_of_a_suite(lab: Lab) -> None:")
    page = write_report(folder).read_text("utf-8")
    assert '<p class="about">It is stored &lt;once&gt;.</p>' in page
    assert "await lab.deliver()" in page


def test_a_scenario_that_no_function_wrote_is_kept_as_readers_see_it(tmp_path: Path) -> None:
    planned = Scenario(id="cut", theme="standard", play=test_of_a_suite, readable='async def f():\n    """Cut."""\n')
    path = KeptSources(tmp_path, unwritten).of(planned)
    assert path is not None
    assert source_in(path).about == "Cut."


def test_a_scenario_without_a_source_keeps_none(tmp_path: Path) -> None:
    assert KeptSources(tmp_path, unwritten).of(Scenario(id="a", theme="b", play=test_of_a_suite)) is None
    assert not (tmp_path / "sources").exists()


def test_a_source_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    told: list[Path] = []
    (tmp_path / "sources").write_text("a file where the folder should be", "utf-8")
    assert KeptSources(tmp_path, lambda path, _: told.append(path)).of(scenario("of_a_suite")) is None
    assert told == [tmp_path / "sources" / "pool.of_a_suite.py"]


def test_a_file_that_is_gone_or_no_python_is_no_problem(tmp_path: Path) -> None:
    assert source_in(tmp_path / "gone.py") == NOTHING
    (tmp_path / "odd.py").write_text("# here:1\nno python (", "utf-8")
    assert source_in(tmp_path / "odd.py").code == "# here:1\nno python ("


def unwritten(path: Path, problem: str) -> None:
    pytest.fail(f"{path}: {problem}")
