"""Every verdict of every kind has its look in the one table, and all orders of severity are one."""

from __future__ import annotations

import itertools
from enum import StrEnum

import pytest

from harness.checks import WORST_FIRST, Verdict
from harness.exit_status import ExitStatus
from harness.present.looks import LEGEND, STATUSES, legend, look, rank
from harness.proof.mutant_results import MutantVerdict
from harness.proof.teeth import TeethVerdict
from harness.results.ablation import PairVerdict
from harness.search.sweep.results import CellVerdict

KINDS: tuple[type[StrEnum], ...] = (Verdict, CellVerdict, PairVerdict, MutantVerdict, TeethVerdict)


@pytest.mark.parametrize("verdict", [each for kind in KINDS for each in kind], ids=lambda each: f"{each!r}")
def test_every_verdict_has_a_look(verdict: StrEnum) -> None:
    looks = look(verdict)
    assert looks.mark.isascii()
    assert len(looks.mark) == 1
    assert looks.symbol


def test_a_cells_letter_is_its_own() -> None:
    letters = [look(verdict).letter for verdict in CellVerdict]
    assert all(letters)
    assert len(set(letters)) == len(letters)


@pytest.mark.parametrize("order", [WORST_FIRST, tuple(CellVerdict)], ids=["runs", "cells"])
def test_the_orders_of_severity_agree(order: tuple[StrEnum, ...]) -> None:
    assert all(rank(worse) < rank(better) for worse, better in itertools.pairwise(order))


def test_what_failed_is_worse_than_what_says_nothing_and_that_than_what_held() -> None:
    tones = [look(each).tone for each in sorted({each for kind in KINDS for each in kind}, key=rank)]
    last_bad = max(place for place, tone in enumerate(tones) if tone == "failed")
    first_good = min(place for place, tone in enumerate(tones) if tone == "held")
    assert last_bad < tones.index("doubt") < first_good


def test_a_legend_names_each_verdict_of_a_run() -> None:
    assert legend() == "+ held  x failed  ? inconclusive  - unavailable"
    assert set(LEGEND) == set(Verdict)


def test_every_exit_status_has_a_look() -> None:
    assert STATUSES.keys() - {None} == set(ExitStatus)
