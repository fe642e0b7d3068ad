"""Reports of results that are not as they should be; how large they get; what came before."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from harness.checks import Verdict
from harness.errors import UsageError
from harness.present.html import REPORT, report_run, write_report
from harness.present.html.earlier_runs import SHOWN_MAX
from harness.present.html.writing import page_of
from harness.present.maps.fault_map import FaultMap, read_maps, write_maps
from harness.results import RunKey
from harness.results.finding import Finding
from tests.report.support import made_map, plain_results, result, write_history, write_results
from tests.results.made import made, summary_of

MEGABYTE = 1_000_000


def test_without_a_summary_there_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"summary\.json': there is no such file"):
        write_report(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON: Expecting"),
        ("[]", "holds no JSON object"),
        ('{"complete": true}', "schema = None: another kind or version of file"),
        ('{"schema": "harness.summary/1", "complete": true}', "exit_status = None: this key is missing"),
    ],
)
def test_a_foreign_summary_is_refused_by_the_key_that_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "summary.json").write_text(text, "utf-8")
    with pytest.raises(UsageError, match=said):
        write_report(tmp_path)


def test_a_summary_of_another_version_is_refused(tmp_path: Path) -> None:
    plain_results(tmp_path)
    data = json.loads((tmp_path / "summary.json").read_text("utf-8"))
    (tmp_path / "summary.json").write_text(json.dumps({**data, "schema": "harness.summary/2"}), "utf-8")
    with pytest.raises(UsageError, match=r"closest valid: 'harness\.summary/1'"):
        write_report(tmp_path)


def test_a_page_shows_the_beginning_of_the_commit_and_the_whole_of_it_on_a_pointer(tmp_path: Path) -> None:
    commit, changed = "9736" * 10, "+dirty.0badcafe"
    summary = summary_of(result(tmp_path))
    info = dataclasses.replace(summary.info, revision=commit + changed)
    write_results(tmp_path, dataclasses.replace(summary, info=info))
    write_report(tmp_path)
    shown = f'<dt>revision</dt><dd title="{commit}{changed}">{commit[:12]}{changed}</dd>'
    assert shown in (tmp_path / REPORT).read_text("utf-8")


def test_the_latest_run_below_a_folder_is_not_the_folders_own(tmp_path: Path) -> None:
    plain_results(tmp_path / "latest")
    with pytest.raises(UsageError, match="there is no such file"):
        write_report(tmp_path)


def test_a_report_that_breaks_says_so_and_ends_no_run(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text("{<script>", "utf-8")
    assert "not JSON: Expecting" in report_run(tmp_path)
    text = (tmp_path / REPORT).read_text("utf-8")
    assert "This is a defect of the harness" in text
    assert "not JSON: Expecting" in text
    assert "<script>" not in text


def test_a_history_that_was_cut_off_is_told_and_its_run_is_shown(tmp_path: Path) -> None:
    run = result(tmp_path, Verdict.FAILED)
    assert run.history is not None
    run.history.write_text(run.history.read_text("utf-8")[:-20], "utf-8")
    view = page_of(write_results(tmp_path, summary_of(run))).runs[0]
    assert "not a line of a history" in view.problem
    assert [check.name for check in view.checks if check.failed] == ["outcome"]
    assert "outcome: 1 of 2" in write_report(tmp_path).read_text("utf-8")


def test_a_history_outside_of_the_folder_is_not_read(tmp_path: Path) -> None:
    inside = tmp_path / "results"
    write_results(inside, summary_of(result(inside)))
    write_history(tmp_path / "elsewhere.jsonl")
    data = json.loads((inside / "summary.json").read_text("utf-8"))
    data["runs"][0]["history"] = "../elsewhere.jsonl"
    (inside / "summary.json").write_text(json.dumps(data), "utf-8")
    assert "outside of the results folder" in page_of(inside).runs[0].problem


def test_what_did_not_hold_comes_first(tmp_path: Path) -> None:
    runs = page_of(plain_results(tmp_path)).runs
    assert [view.as_wanted for view in runs] == [False, False, True, True]
    assert [view.record.id for view in runs[:2]] == ["redis_down", "redis_slow"]


def test_a_failure_that_a_proof_wants_is_shown_as_proved(tmp_path: Path) -> None:
    view = next(view for view in page_of(plain_results(tmp_path)).runs if view.record.role == "ablated")
    assert (view.symbol, view.tone, view.group) == ("proved", "plain", "proof")
    assert view.said.startswith("proved: failed by outcome")


def a_whole_sweep() -> FaultMap:
    """Of 150 messages of 300 bytes, each verdict another than the one before it for a tenth of them."""
    (of_bytes, _) = made_map()
    runs = tuple((n * 10, n * 10 + 9, "hF"[n % 2]) for n in range(30))
    return of_bytes.model_copy(
        update={"rows": tuple(row.model_copy(update={"runs": runs}) for row in of_bytes.rows) * 75}
    )


@pytest.mark.parametrize(("runs", "requests"), [(60, 250), (90, 100), (100, 40)])
def test_a_whole_gate_fits_into_five_megabytes(tmp_path: Path, runs: int, requests: int) -> None:
    history = tmp_path / "history" / "a.jsonl"
    write_history(history, requests=requests)
    line = "2026-02-25 10:11:14.000 UTC [1] LOG:  error while the fault was in force, a long story " + "x" * 200
    results = [
        made(Verdict.FAILED if n % 6 == 0 else Verdict.HELD, key=RunKey(f"scenario_{n}", "hardened"), history=history)
        for n in range(runs)
    ]
    write_results(tmp_path, summary_of(*results))
    write_maps(tmp_path, [a_whole_sweep()])
    for name in ("postgres", "redis", "toxiproxy"):
        (tmp_path / "logs" / f"{name}.log").write_text(f"{line}\n" * 500, "utf-8")
    assert write_report(tmp_path).stat().st_size < 5 * MEGABYTE


def test_earlier_runs_beside_this_one_are_its_past(tmp_path: Path) -> None:
    old, new, later = (tmp_path / f"2026022{n}T101112Z-abcdef" for n in (4, 5, 6))
    for folder, verdict in ((old, Verdict.FAILED), (new, Verdict.HELD), (later, Verdict.HELD)):
        write_results(folder, summary_of(result(folder, verdict), exit_status=0))
    (old / REPORT).touch()
    page = page_of(new)
    assert [past.name for past in page.past.runs] == [old.name]
    assert [before.verdict for before in page.runs[0].before] == ["failed"]
    assert f'href="../{old.name}/report.html"' in write_report(new).read_text("utf-8")
    assert page_of(old).past.runs == []


def test_what_the_verb_run_made_is_no_past(tmp_path: Path) -> None:
    old, new = (tmp_path / f"2026022{n}T101112Z-abcdef" for n in (4, 5))
    for folder in (old, new):
        summary = summary_of(result(folder))
        info = dataclasses.replace(summary.info, verb="run")
        write_results(folder, dataclasses.replace(summary, info=info))
    page = page_of(new)
    assert page.past.runs == []
    assert page.past.trends == ()


def test_an_earlier_run_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    old, new = (tmp_path / f"2026022{n}T101112Z-abcdef" for n in (4, 5))
    for folder in (old, new):
        write_results(folder, summary_of(result(folder)))
    (old / "summary.json").write_text('{"schema": 1}', "utf-8")
    said = "schema = 1: another kind or version of file; valid: harness.summary/1"
    assert page_of(new).past.unread == [f"{old.name}: {said}"]


def test_of_many_earlier_runs_only_the_newest_are_read(tmp_path: Path) -> None:
    folders = [tmp_path / f"20260201T1011{n:02}Z-abcdef" for n in range(SHOWN_MAX + 3)]
    for folder in folders:
        write_results(folder, summary_of(result(folder)))
    for beyond in folders[:2]:
        (beyond / "summary.json").write_text("never read", "utf-8")
    past = page_of(folders[-1]).past
    assert [run.name for run in past.runs] == [folder.name for folder in folders[2:-1]]
    assert past.unread == []


def test_what_got_slower_or_flakier_is_told_of_runs_of_the_same_kind(tmp_path: Path) -> None:
    verdicts = (Verdict.HELD, Verdict.FAILED, Verdict.HELD)
    folders = [tmp_path / f"2026022{n}T101112Z-abcdef" for n in range(len(verdicts))]
    for folder, verdict in zip(folders, verdicts, strict=True):
        write_results(folder, summary_of(result(folder, verdict), exit_status=0))
    (trend,) = page_of(folders[-1]).past.told
    assert [point.verdict for point in trend.points] == list(verdicts)
    text = write_report(folders[-1]).read_text("utf-8")
    assert "idle_pool_cut is flaky: 2 held, 1 failed; the verdict changed 2 times in 3 runs" in text
    assert page_of(folders[0]).past.trends == ()
    assert "slower or flakier" not in write_report(folders[0]).read_text("utf-8")


def test_a_map_is_drawn_with_a_letter_on_what_did_not_hold(tmp_path: Path) -> None:
    page = page_of(plain_results(tmp_path))
    of_bytes, of_actions = page.maps
    assert [label for _, label, _ in of_bytes.labels] == ["> Query COMMIT", "second"]
    assert [words for _, words in of_bytes.names] == ["0"]
    assert dict(of_bytes.paths)["held"].count("M") == 2, "neighbouring bytes are one bar"
    assert dict(of_actions.paths)["held"].count("M") == 8, "an action is a cell of its own"
    assert [(letters, tone) for _, _, letters, tone in of_actions.letters] == [("F", "failed")]
    assert "1 failed: > Query COMMIT, 8 held" in of_actions.summary
    assert write_report(tmp_path).read_text("utf-8").count('class="fault-map"') == 2


def test_maps_that_cannot_be_read_are_said_so(tmp_path: Path) -> None:
    plain_results(tmp_path)
    (tmp_path / "maps.json").write_text('{"schema": "harness.maps/0"}', "utf-8")
    text = write_report(tmp_path).read_text("utf-8")
    assert "the maps are not shown: " in text
    assert "another kind or version of file; closest valid: &#39;harness.maps/1&#39;" in text


def test_a_map_that_could_not_be_drawn_is_said_so_beside_the_others(tmp_path: Path) -> None:
    plain_results(tmp_path)
    write_maps(tmp_path, read_maps(tmp_path).maps, ["a sweep is left out: <broken>"])
    text = write_report(tmp_path).read_text("utf-8")
    assert "some maps are not shown: a sweep is left out: &lt;broken&gt;" in text
    assert text.count('class="fault-map"') == 2


def test_a_page_of_maps_is_linked_where_it_lies_beside(tmp_path: Path) -> None:
    plain_results(tmp_path)
    (tmp_path / "maps.json").unlink()
    assert "sweep.html" not in write_report(tmp_path).read_text("utf-8")
    (tmp_path / "sweep.html").touch()
    assert 'href="sweep.html"' in write_report(tmp_path).read_text("utf-8")


def test_coverage_is_shown_where_the_summary_has_it(tmp_path: Path) -> None:
    plain_results(tmp_path)
    data = json.loads((tmp_path / "summary.json").read_text("utf-8"))
    protocols = {"postgres": {"hit": "<b>", "points": 3}, "redis": "<b>"}
    data["coverage"] = {"points": 812, "percent": 31.25, "other": {"a": "<b>"}, "by_protocol": protocols}
    (tmp_path / "summary.json").write_text(json.dumps(data), "utf-8")
    text = write_report(tmp_path).read_text("utf-8")
    assert "Fault coverage" in text
    assert "812" in text
    assert "31.2 % of the points" in text
    assert "<b>" not in text.partition("Fault coverage")[2].partition("</dl>")[0]


def test_warnings_are_folded_and_what_fails_a_gate_is_not(tmp_path: Path) -> None:
    findings = [Finding("drafts", "y", "unproved", "y: unproved", warning=True), Finding("baseline", "x", "gone", "x")]
    page = write_report(write_results(tmp_path, summary_of(made(), findings=findings))).read_text("utf-8")
    assert "1 warning, which changes no verdict: unproved" in page
    table, fold = (page.index(text) for text in ("Beyond the runs", '<details class="fold warned">'))
    assert table < page.index("<td>x</td>") < fold < page.index("y: unproved")


def test_the_page_begins_with_the_findings_and_leads_from_each_to_its_runs(tmp_path: Path) -> None:
    failed = [made(Verdict.FAILED, key=RunKey(name, "hardened")) for name in ("first", "second")]
    write_results(tmp_path, summary_of(made(), *failed))
    text = write_report(tmp_path).read_text("utf-8")
    assert '<h2 id="found">1 finding, in 2 places</h2>' in text
    assert '<a href="#run-1">first</a>, <a href="#run-2">second</a>' in text
    write_results(tmp_path, summary_of(made()))
    assert 'id="found"' not in write_report(tmp_path).read_text("utf-8")
