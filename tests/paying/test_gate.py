"""The paying service's suite by the command line: what holds is proved, and the report says what met the fault."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.paying.test_live import HERE
from tests.tiny import run_harness

SOME = ("tried_again[half-a-chunk]", "tried_again[ledger-half-sent]", "rest_of_an_answer", "ledger_down")


def write_suite(folder: Path) -> Path:
    """Write service, target and scenarios below `folder`, and return it."""
    scenarios = folder / "scenarios"
    scenarios.mkdir()
    shutil.copy(HERE / "service.py", scenarios)
    shutil.copy(HERE / "target.toml", scenarios)
    shutil.copy(HERE / "suite.py", scenarios / "dependencies.py")
    return folder


def test_what_holds_is_proved(tmp_path: Path) -> None:
    done = run_harness("gate", *SOME, "--proofs", cwd=write_suite(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    results = tmp_path / ".results" / "latest"
    summary = json.loads((results / "summary.json").read_text("utf-8"))
    assert summary["counts"]["held"] == len(SOME)
    met = {
        run["id"]: [each["kind"] for each in run["evidence"]] for run in summary["runs"] if run["role"] == "scenario"
    }
    down = ["connections_cut", "connects_refused"]
    assert met == dict(zip(SOME, (["wire_cut"], ["wire_cut"], ["wrong_length"], down), strict=True))
    assert "GET /limits" in (results / "report.html").read_text("utf-8")
    assert list(results.glob("logs/**/payments.log"))
