"""A run that fails by what is beyond its scenarios says so where it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.present.terminal.lines import closing_lines
from harness.results.finding import Finding
from harness.results.folder import new_results_folder
from tests.results.made import made, summary_of

BELOW = Finding("coverage", "fault space", "below its floor", "98.8% was hit, the committed floor is 100%")


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        ([], []),
        ([BELOW], ["beyond the runs: 98.8% was hit, the committed floor is 100%"]),
        ([BELOW, BELOW, BELOW], ["beyond the runs: 98.8% was hit, the committed floor is 100% (and 2 more)"]),
        ([Finding("drafts", "x", "proof not written", "x: still TODO", warning=True)], []),
    ],
    ids=["nothing", "one", "several", "a warning"],
)
def test_all_held_and_yet_a_failure_is_explained(tmp_path: Path, findings: list[Finding], said: list[str]) -> None:
    folder = new_results_folder(tmp_path)
    lines = ["".join(text for text, _ in line) for line in closing_lines(summary_of(made(), findings=findings), folder)]
    assert [line for line in lines if line.startswith("beyond")] == said
    folder.release()
