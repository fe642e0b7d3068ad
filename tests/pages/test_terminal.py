"""What a page shows of a terminal is what the harness would write there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

import harness
from harness import Fault
from harness.present.terminal.lines import closing_lines, run_lines
from harness.present.terminal.pieces import Line
from harness.results import Evidence, RunKey
from harness.results.folder import ResultsFolder
from harness.scenario.scenario import Scenario
from tests.pages.support import ROOT, snippets
from tests.results.made import made, summary_of

WORDS = {name: getattr(harness, name) for name in harness.__all__}
LINES = [(snippet.place, line) for snippet in snippets("terminal") for line in snippet.text.splitlines()]
HELD = re.compile(r"\+ held +(?P<id>\S+)  (?P<seconds>\d+\.\d) s  (?P<evidence>.+)")
COVERAGE = re.compile(r"coverage: (\d+) of (\d+) points of the fault space, (\d+\.\d)%")
SOURCES = "\n".join(path.read_text("utf-8") for path in (ROOT / "harness").rglob("*.py"))


def text_of(line: Line) -> str:
    return "".join(text for text, _ in line)


def shape(text: str) -> str:
    """With each figure, and each run's id, taken for any other."""
    return re.sub(r"\d+(?:\.\d+)?", "N", re.sub(r"\d{8}T\d{6}Z-[0-9a-f]{6}", "RUN", text))


def closing() -> Sequence[str]:
    folder = ResultsFolder(Path.cwd() / ".results" / "20260225T101112Z-abcdef")
    return [shape(text_of(line)) for line in closing_lines(summary_of(made()), folder)]


@pytest.mark.parametrize("line", [line for _, line in LINES], ids=[f"{place}: {line[:40]}" for place, line in LINES])
def test_a_line_is_the_harness_s_own(line: str, suite: Mapping[str, Scenario]) -> None:
    if found := HELD.fullmatch(line):
        check_held(found, suite)
    elif found := COVERAGE.fullmatch(line):
        assert "points of the fault space" in SOURCES
        assert f"{100 * int(found[1]) / int(found[2]):.1f}" == found[3]
    else:
        assert shape(line) in closing()


def check_held(found: re.Match[str], suite: Mapping[str, Scenario]) -> None:
    assert found["id"] in suite
    evidence = [told.partition(": ")[::2] for told in re.split(r"; (?=[a-z_]+: )", found["evidence"])]
    for kind, detail in evidence:
        fault = eval(detail.partition(": ")[0], dict(WORDS))  # noqa: S307  # the page's own words
        assert isinstance(fault, Fault)
        assert kind == fault.kind.replace(".", "_") or f'"{kind}"' in SOURCES, f"no fault leaves {kind}"
    result = made(
        key=RunKey(found["id"], "hardened"), duration_s=float(found["seconds"]),
        evidence=tuple(Evidence(kind, "", 0, detail) for kind, detail in evidence),
    )  # fmt: skip
    [shown] = run_lines(result, "", profile="hardened", verbose=False, steps=())
    assert text_of(shown) == found[0]


def test_lines_are_seen_and_a_slip_would_be_found() -> None:
    assert len(LINES) >= 5
    assert shape("79 held, 0 failed, 0 inconclusive, 0 unavailable in 135.2 s") in closing()
    assert shape("79 held, 0 failed, 0 unavailable in 135.2 s") not in closing()
