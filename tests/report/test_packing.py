"""What a page of many runs packs: everything is in it, it stays small, and nothing in it acts."""

from __future__ import annotations

import base64
import gzip
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

from harness.checks import Verdict
from harness.history import recording
from harness.history.events import PhaseBegan, Purpose, RunBegan
from harness.present.html import write_report
from harness.present.html.runs.detail import MANY_RUNS, OPEN_MAX
from harness.results import RunKey
from harness.vocabulary import ACKNOWLEDGED, REFUSED
from tests.report.support import NASTY, WALL_CLOCK, Markup, Teller, result, write_results
from tests.results.made import made, summary_of

BYTES_PER_RUN_MAX = 4_500
"""A half more than today. A whole `ablate` has some 560 runs, and its page at most five megabytes."""


def unpacked(page: str) -> Sequence[str]:
    """Each packed run's body, as the page's script puts it together."""
    packs = re.findall(r'<template id="pack-\d+">([^<]*)</template>', page)
    found = [json.loads(gzip.decompress(base64.b64decode(pack))) for pack in packs]
    return ["".join(sections) for pack in found for sections in zip(*pack, strict=True)]


def busy_history(path: Path, chance: random.Random) -> Path:
    """A run of forty requests, each with a time of its own, as no other run has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with recording(path) as recorder:
        tell = Teller(recorder)
        tell.at(0, RunBegan("busy", "hardened", (), 7, "target.toml", 6000.0, WALL_CLOCK))
        tell.at(0.1, PhaseBegan("scenario"))
        for number in range(40):
            outcome = chance.choice([ACKNOWLEDGED, next(iter(REFUSED))])
            at_s, took_s = 0.2 + 3 * chance.random(), 0.3 * chance.random()
            tell.request(at_s, took_s, outcome, Purpose.SCENARIO, delivery=f"d{number}", answer=f"{at_s:.9f}")
            tell.count(at_s, open=chance.randrange(9), connecting=chance.randrange(3))
    return path


def test_a_run_of_a_large_suite_costs_the_page_little(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311  # the same page each time
    runs = MANY_RUNS + 1
    results = [
        made(key=RunKey(f"scenario_{n}", "hardened"), history=busy_history(tmp_path / "history" / f"{n}.jsonl", chance))
        for n in range(runs)
    ]
    page = write_report(write_results(tmp_path, summary_of(*results)))
    whole = page.read_text("utf-8")
    assert len(unpacked(whole)) == runs
    assert all('<svg viewBox="0 0 1000' in body and "What the service answered" in body for body in unpacked(whole))
    assert page.stat().st_size / runs < BYTES_PER_RUN_MAX


def test_what_did_not_hold_is_not_packed(tmp_path: Path) -> None:
    bad = result(tmp_path, Verdict.FAILED, key=RunKey("bad", "hardened"))
    page = write_report(write_results(tmp_path, summary_of(bad, *[made() for _ in range(MANY_RUNS)]))).read_text(
        "utf-8"
    )
    (place,) = re.findall(r'id="run-0".*?<div class="body"([^>]*)>', page, re.DOTALL)
    assert place == ""
    assert len(unpacked(page)) == MANY_RUNS


def test_of_many_failures_all_are_told_in_full_and_the_first_are_open_to_all_readers(tmp_path: Path) -> None:
    runs = [result(tmp_path, Verdict.FAILED, key=RunKey(f"bad_{n}", "hardened")) for n in range(OPEN_MAX + 2)]
    page = write_report(write_results(tmp_path, summary_of(*runs))).read_text("utf-8")
    bodies = unpacked(page)
    assert len(bodies) == 2
    assert all("during the fault" in body and "Timeline" in body for body in bodies)
    assert page.count("during the fault") >= OPEN_MAX


def test_a_packed_text_is_escaped_and_stays_in_its_section(tmp_path: Path) -> None:
    nasty = result(tmp_path, text=f"{NASTY}\x1f", key=RunKey("nasty", "hardened"))
    page = write_report(write_results(tmp_path, summary_of(nasty, *[made() for _ in range(MANY_RUNS)])))
    bodies = unpacked(page.read_text("utf-8"))
    assert len(bodies) == MANY_RUNS + 1
    for body in bodies:
        found = Markup(body)
        assert not {"script", "style", "img", "iframe", "template"} & {tag for tag, _ in found.elements}
        assert not found.having(lambda _, given: any(n.startswith("on") or n in ("style", "src") for n in given))
