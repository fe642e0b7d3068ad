"""Release verification of the webhook service: it finds what was planted, and passes the honest candidate.

One candidate here. HARNESS_PLANTED=all tries every protection off, and too patient and too eager where a
scenario can tell; it takes a quarter of an hour.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.checks.judgement import NOT_STEADY
from harness.stack.service.start import NOT_STARTED
from tests.proof.planted import Planted, all_planted, write_candidate
from tests.tiny import CHECKOUT, run_harness
from tests.webhook.support import SECRET
from webhook.configuration.settings import load_settings

ALL = os.environ.get("HARNESS_PLANTED") == "all"
WITHIN_S = 600
FEW = {"deadline.statement too eager": ["postgres_slow[within-deadline]"]}
HONEST = sorted({name for names in FEW.values() for name in names})
EVERY = all_planted()
PLANTED = [planted for planted in EVERY if ALL or str(planted) in FEW]
NEVER_RAN = f"{NOT_STEADY}{NOT_STARTED}"
"""What the harness says of a candidate that its own settings refuse: that is found, and says nothing of the limit."""
REQUIRED = {
    "DATABASE_URL": "postgresql://user:word@127.0.0.1:5432/db",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "WEBHOOK_SECRETS": SECRET,
}


def harness(results: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run_harness(*words, "--results", str(results), cwd=CHECKOUT, within_s=WITHIN_S)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the release, proofs and all."""
    results = tmp_path_factory.mktemp("release")
    ids = sorted({name for planted in PLANTED for name in planted.scenarios}) if ALL else HONEST
    harness(results, "ablate", *ids)  # its status counts all proofs, and not all of them are about what is planted
    return (results / "latest").resolve()


def ids_of(planted: Planted) -> Sequence[str]:
    return planted.scenarios if ALL else FEW[str(planted)]


def test_the_few_are_among_them_with_scenarios_that_speak_of_them() -> None:
    scenarios = {str(planted): planted.scenarios for planted in EVERY}
    for name, ids in FEW.items():
        assert set(ids) <= set(scenarios.get(name, ())), name


@pytest.mark.parametrize("planted", EVERY, ids=str)
def test_a_candidate_starts_and_differs_from_the_release(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)
    release = load_settings()
    for name, value in planted.settings.items():
        monkeypatch.setenv(name, value)
    assert load_settings() != release


@pytest.mark.parametrize("planted", PLANTED, ids=str)
def test_what_was_planted_is_found_and_named(planted: Planted, release: Path, tmp_path: Path) -> None:
    candidate = write_candidate(tmp_path / "candidate", planted.settings)
    words = ("verify", *ids_of(planted), "--candidate", str(candidate), "--against", str(release))
    process = harness(tmp_path / "results", *words)
    assert process.returncode == 1, process.stdout + process.stderr
    found = json.loads((tmp_path / "results" / "latest" / "verify.json").read_text("utf-8"))
    assert found["regressions"], found
    assert {each["subject"] for each in found["regressions"]} & {*planted.scenarios, planted.protection}
    assert not [each for each in found["regressions"] if NEVER_RAN in each["sentence"]]


def test_the_honest_candidate_passes(release: Path, tmp_path: Path) -> None:
    candidate = write_candidate(tmp_path / "candidate", {})
    process = harness(tmp_path / "results", "verify", *HONEST, "--candidate", str(candidate), "--against", str(release))
    assert process.returncode == 0, process.stdout + process.stderr
    assert "nothing is worse" in process.stdout
