"""The example of a service that is not Python is what its page shows. Nothing is built: Go is not everywhere."""

from __future__ import annotations

import re

import pytest

from harness.checks import STANDING
from harness.demo import SCENARIOS
from harness.plugin.collection import collect_scenarios
from harness.target import load_target
from tests.pages.support import ROOT, Snippet, snippets

EXAMPLE = ROOT / "examples" / "own-service"
TARGET = EXAMPLE / "scenarios" / "target.toml"
FILES = ("main.go", "mend.patch", "scenarios/target.toml", "scenarios/broken_database.py")
SUITE_OF_CHAOS = ROOT / "tests" / "chaos" / "suite.py"
"""Ordinary tests that are run: what other pages show of such."""
IDS = ["healthy", "insert_answer_lost", "postgres_down"]
DEMO = re.findall(r"^async def test_(\w+)", (SCENARIOS / "careless.py").read_text("utf-8"), re.MULTILINE)


def test_its_scenarios_need_no_proof_because_it_has_no_protections() -> None:
    scenarios = collect_scenarios(TARGET.parent, load_target(TARGET).description)
    assert [scenario.id for scenario in scenarios] == IDS
    assert not any(scenario.proofs for scenario in scenarios)


def test_the_page_shows_its_target() -> None:
    shown = [each.text for each in snippets("toml") if each.page.name == "your-own-service.md"]
    assert shown == [TARGET.read_text("utf-8")]


@pytest.mark.parametrize("snippet", snippets("example"), ids=lambda snippet: snippet.place)
def test_what_the_page_shows_of_it_is_there(snippet: Snippet) -> None:
    if snippet.page.name != "your-own-service.md":
        assert snippet.text in SUITE_OF_CHAOS.read_text("utf-8")
        return
    lines = "\n".join(re.sub(r"^\+", "", (EXAMPLE / name).read_text("utf-8"), flags=re.MULTILINE) for name in FILES)
    assert snippet.text in lines


PRINTED = [snippet for snippet in snippets("printed") if snippet.page.name != "wrap.md"]
"""What `wrap` prints names no scenarios: tests/wrap looks at it."""


@pytest.mark.parametrize("snippet", PRINTED, ids=lambda snippet: snippet.place)
def test_what_is_printed_names_its_scenarios_and_our_checks(snippet: Snippet) -> None:
    known = DEMO if snippet.page.name == "README.md" else IDS
    runs = re.findall(r"^[x+] (?:failed|held) +(\S+) ", snippet.text, re.MULTILINE)
    assert runs
    assert set(runs) <= set(known)
    assert set(re.findall(r"^ +why +(\w+):", snippet.text, re.MULTILINE)) <= {check.name for check in STANDING}


def test_the_mend_fits_the_service() -> None:
    [hunk] = re.split(r"^@@.*\n", (EXAMPLE / "mend.patch").read_text("utf-8"), flags=re.MULTILINE)[1:]
    before = "".join(line[1:] for line in hunk.splitlines(keepends=True) if line[0] in " -")
    assert before in (EXAMPLE / "main.go").read_text("utf-8")
