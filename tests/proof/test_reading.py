from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.checks import Verdict
from harness.errors import UsageError
from harness.proof.reading import read_summary, summary_from
from harness.proof.record import not_tried, record_of
from harness.results import Evidence, RunKey
from harness.results.ablation import PairVerdict
from tests.proof.made import FOLDER, own, proof, read_of, tried
from tests.results.made import ablated, made, summary_of

PING = proof("pool.pre_ping")
BOTH = proof("load.shed", "pool.pre_ping")


def data(**changes: Any) -> dict[str, Any]:
    return {**summary_of(made()).to_json(FOLDER.relative), **changes}


def test_what_a_run_wrote_is_read_back() -> None:
    evidence = (Evidence("b", "s", 1, ""), Evidence("a", "s", 2, ""), Evidence("b", "s", 3, ""))
    figures = {"healthy_ms": 4.0, "slowest_ms": 40.0, "recovery_ms": 8.0}
    record = record_of(
        read_of(own("a", evidence=evidence, figures=figures), proofs=[tried("a", PING), tried("a", BOTH)]), {"a": "0f"}
    )
    one = record.scenarios["a"]
    assert (one.verdict, one.evidence, one.source) == (Verdict.HELD, ("a", "b"), "0f")
    assert (one.speed.healthy_ms, one.speed.worst_ms, one.speed.recovery_ms) == (4.0, 40.0, 8.0)
    assert one.proofs == {"pool.pre_ping": PairVerdict.PROVED, "load.shed+pool.pre_ping": PairVerdict.PROVED}
    assert record.protections == {"pool.pre_ping": ("a",)}, "two together prove neither"


def test_what_is_not_proved_has_no_prover() -> None:
    assert record_of(read_of(own("a"), proofs=[tried("a", PING, PairVerdict.MASKED)])).protections == {}


def test_only_a_scenarios_own_runs_count_and_the_worst_of_them() -> None:
    others = [ablated(Verdict.HELD), made(Verdict.HELD, key=RunKey("b", "incident")), made(role="control")]
    summary = read_of(made(Verdict.FAILED), made(Verdict.HELD), made(Verdict.INCONCLUSIVE), *others)
    assert {name: one.verdict for name, one in record_of(summary).scenarios.items()} == {
        "idle_pool_cut": Verdict.FAILED
    }


def test_proofs_that_were_not_tried_are_named() -> None:
    record = record_of(read_of(own("a"), own("c", Verdict.UNAVAILABLE), proofs=[tried("a", PING)]))
    titles = {"a": ["pool.pre_ping", "x"], "b": ["y"], "c": ["z"]}
    assert list(not_tried(record, titles)) == ["a: x", "b: y"], "c cannot be run here"


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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, r"file = 'summary\.json': there is no such file(?s:.*)mend: name a run's folder"),
        ("{", r"cannot be read: Expecting(?s:.*)mend: "),
        ("[" * 100_000, r"cannot be read: "),
        (b"\xff\xfe", r"cannot be read: "),
        ("[]", r"holds no JSON object"),
        ("{}", r"schema = None: another kind of file; (closest valid: .*)?valid: harness\.summary/1"),
        (json.dumps(data(schema="harness.summary/2")), r"closest valid: 'harness\.summary/1'"),
        (json.dumps(data(complete="perhaps")), r"complete = 'perhaps': Input should be a valid boolean"),
        (json.dumps(data(runs=[{}])), r"runs\.0: id = None: Field required(?s:.*)mend: mend id"),
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
