from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.checks import Verdict
from harness.errors import UsageError
from harness.results.finding import Finding
from harness.results.folder import ResultsFolder
from harness.results.reading import read_summary, summary_from
from tests.results.made import ablated, made, proof_of, summary_of
from tests.tiny import CHECKOUT

FOLDER = ResultsFolder(CHECKOUT / "results" / "run")


def data(**changes: Any) -> dict[str, Any]:
    return {**summary_of(made()).to_json(FOLDER.relative), **changes}


def test_all_that_is_written_is_read_back() -> None:
    held = made(history=FOLDER.path / "history" / "a.jsonl", schedule=FOLDER.path / "schedules" / "a.json")
    findings = [Finding("baseline", "a", "evidence gone", "a leaves no evidence", inconclusive=True)]
    summary = summary_of(held, ablated(), proofs=[proof_of(held, ablated())], findings=findings)
    written = json.loads(summary.text(FOLDER.relative))
    read = summary_from(written, place="s").model_dump(mode="json", by_alias=True)
    assert {key: read[key] for key in written} == written


def test_coverage_is_read_with_all_that_the_search_says_of_it() -> None:
    read = summary_from(data(coverage={"percent": 31.25, "points": 812}), place="s")
    assert read.coverage is not None
    assert (read.coverage.percent, read.coverage.others) == (31.25, {"points": 812})


def test_a_proof_that_this_machine_cannot_try_is_not_wrong() -> None:
    pairs = [(made(), ablated()), (made(), ablated(Verdict.HELD)), (made(Verdict.UNAVAILABLE), ablated())]
    proofs = [proof_of(control, second) for control, second in pairs]
    read = summary_from(summary_of(made(), proofs=proofs).to_json(FOLDER.relative), place="s")
    assert [proof.verdict for proof in read.wrong_proofs] == ["misattributed", "unproved"]


def test_keys_of_a_later_version_are_no_matter() -> None:
    assert summary_from(data(later={"a": 1}), place="s").complete


@pytest.mark.parametrize("given", ["summary.json", "run", "results"])
def test_a_run_is_named_by_its_file_its_folder_or_the_folder_of_all_runs(tmp_path: Path, given: str) -> None:
    run = tmp_path / "results" / "20260225T101112Z-abcdef"
    run.mkdir(parents=True)
    (run / "summary.json").write_text(json.dumps(data()), "utf-8")
    (tmp_path / "results" / "latest").symlink_to(run.name)
    paths = {"summary.json": run / "summary.json", "run": run, "results": tmp_path / "results"}
    assert read_summary(paths[given]).run.id == "20260225T101112Z-abcdef"


def test_a_folder_without_a_run_is_told_by_the_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=rf"{tmp_path}: no run in here has a summary\.json(?s:.*)mend: run a gate"):
        read_summary(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, r"file = .*summary\.json': there is no such file(?s:.*)mend: name a run's folder"),
        ("{", r"not JSON: Expecting(?s:.*)mend: "),
        ("[" * 100_000, r"too deep or too large to read: "),
        (b"\xff\xfe", r"cannot be read: "),
        ("[]", r"holds no JSON object"),
        ("{}", r"schema = None: another kind or version of file; (closest valid: .*)?valid: harness\.summary/1"),
        (json.dumps(data(schema="harness.summary/2")), r"closest valid: 'harness\.summary/1'"),
        (json.dumps(data(complete="perhaps")), r"complete = 'perhaps': input should be a valid boolean"),
        (json.dumps(data(runs=[{}])), r"runs\[0\]: id = None: this key is missing(?s:.*)mend: name a summary"),
    ],
)
def test_what_is_no_summary_is_told_by_place_key_value_and_mend(
    tmp_path: Path, text: str | bytes | None, said: str
) -> None:
    file = tmp_path / "summary.json"
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError, match=said):
        read_summary(file)
