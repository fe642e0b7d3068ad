"""The glossary has a word for everything that a verdict can be."""

from __future__ import annotations

import enum
import re

import pytest

from harness.checks import Verdict
from harness.proof.mutant_results import MutantVerdict
from harness.proof.teeth import TeethVerdict
from harness.results.ablation import PairVerdict
from harness.search.sweep.results import CellVerdict
from tests.pages.support import ROOT

PAGE = (ROOT / "docs" / "glossary.md").read_text("utf-8")
ASKED_FOR = [
    "held",
    "proved",
    "masked",
    "misattributed",
    "toothless",
    "inconclusive",
    "evidence",
    "protection",
    "ablation",
]
PARTS = ["control", "profile", "theme", "lane", "link", "point", "mix", "fault space"]


@pytest.mark.parametrize("verdicts", [Verdict, PairVerdict, TeethVerdict, MutantVerdict, CellVerdict])
def test_each_verdict_is_explained(verdicts: type[enum.StrEnum]) -> None:
    missing = [word for word in verdicts if not re.search(rf"\*\*?{word}\*", PAGE, re.IGNORECASE)]
    assert missing == []


@pytest.mark.parametrize("word", [*ASKED_FOR, *PARTS])
def test_each_term_of_the_field_is_explained(word: str) -> None:
    assert re.search(rf"^\*\*{word}\*\*$|\*{word}\*", PAGE, re.MULTILINE)


def test_no_term_stands_twice() -> None:
    terms = re.findall(r"^\*\*(.+)\*\*$", PAGE, re.MULTILINE)
    assert sorted(set(terms)) == sorted(terms)
