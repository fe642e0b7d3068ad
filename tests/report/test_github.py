"""What GitHub is told: one summary of the job, annotations on the scenarios' lines, and nothing of a service's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.checks import Verdict
from harness.present.ci.github import annotation_lines, markdown, tell_github
from harness.results import RunKey
from harness.results.places import Location
from harness.results.reading import read_summary
from tests.report.support import hostile_results, plain_results, write_results
from tests.results.made import made, summary_of

LOCATIONS = {"redis_down": Location("scenarios/redis.py", 12), "idle_pool_cut": Location("scenarios/pool.py", 7)}


def test_nobody_is_told_where_nobody_asks(tmp_path: Path) -> None:
    assert tell_github(tmp_path / "nothing", {}, {}) == ()


def test_the_jobs_summary_is_appended_to(tmp_path: Path) -> None:
    target = tmp_path / "step.md"
    target.write_text("before\n", "utf-8")
    results = plain_results(tmp_path / "results")
    assert tell_github(results, LOCATIONS, {"GITHUB_STEP_SUMMARY": str(target)}) == ()
    text = target.read_text("utf-8")
    assert text.startswith("before\n## ❌ Failed: 1 of 3 scenarios failed")
    tell_github(results, LOCATIONS, {"GITHUB_STEP_SUMMARY": str(target)})
    assert target.read_text("utf-8").count("## ❌ Failed") == 2


def test_a_failure_stands_on_its_scenarios_line(tmp_path: Path) -> None:
    lines = tell_github(plain_results(tmp_path), LOCATIONS, {"GITHUB_ACTIONS": "true"})
    story = "outcome: 1 of 2: fine%0Apython -m harness gate fine"
    assert lines == [
        f"::error file=scenarios/redis.py,line=12,title=redis_down failed::{story}",
        f"::warning title=redis_slow inconclusive::{story}",
    ]


def test_no_service_can_give_github_a_command(tmp_path: Path) -> None:
    reason = "outcome: lost\n::stop-commands::x\r\n::set-output name=a::b%0A"
    run = made(Verdict.FAILED, reason=reason, key=RunKey("a,line=9::error", "hardened"))
    (line,) = annotation_lines(read_summary(write_results(tmp_path, summary_of(run))), {})
    assert "\n" not in line
    assert "\r" not in line
    assert line.startswith("::error title=a%2Cline=9%3A%3Aerror failed::outcome: lost%0A::stop-commands")
    assert "b%250A" in line


def test_markdown_is_text_whatever_it_says(tmp_path: Path) -> None:
    text = markdown(read_summary(hostile_results(tmp_path)))
    outside = "".join(part for place, part in enumerate(text.split("```")) if place % 2 == 0)
    for line in outside.splitlines():
        assert "<script" not in line.replace("\\<", "")
        assert "<img" not in line.replace("\\<", "")
    assert "\x1b" not in text


@pytest.mark.parametrize("nasty", ["[a](https://example.invalid)", "| cell |", "`code`", "<b>", "![i](u)"])
def test_a_reason_makes_no_link_table_or_image(tmp_path: Path, nasty: str) -> None:
    run = made(Verdict.FAILED, reason=nasty)
    text = markdown(read_summary(write_results(tmp_path, summary_of(run))))
    assert nasty not in text


def test_a_line_to_copy_cannot_leave_its_fence(tmp_path: Path) -> None:
    run = made(Verdict.FAILED, repro="gate ``` <b>")
    text = markdown(read_summary(write_results(tmp_path, summary_of(run))))
    assert "````sh\ngate ``` <b>\n````" in text


def test_a_large_run_stays_within_what_github_takes(tmp_path: Path) -> None:
    runs = [made(Verdict.FAILED, key=RunKey(f"s{n}", "hardened"), reason="x" * 9000) for n in range(400)]
    summary = read_summary(write_results(tmp_path, summary_of(*runs)))
    assert len(markdown(summary).encode()) < 1024 * 1024
    assert len(list(annotation_lines(summary, {}))) == 50
