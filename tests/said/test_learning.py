"""What is learnt from runs, and the file that it is written to."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.engine.said.approved import Approved, file_of, read_approved, text_of, write_approved
from harness.engine.said.comparing import other_lines
from harness.engine.said.learning import SURE, learnt
from harness.engine.said.shapes import lines_said
from harness.errors import UsageError
from harness.history import recording
from harness.history.events import FamilySaid, LineSaid, MetricsSaid, RunBegan
from harness.target import load_target
from tests.said.support import APPROVED, ENDED, FIELDS, LISTENING, LITTER, logs_of, refused
from tests.tiny import CHECKOUT

LOG = (LISTENING, refused(), refused(id="b", phase="select", error="OSError"), ENDED)
TOLD = {"a": ["refused"], "b": ["refused", "acknowledged"]}
COUNTER = FamilySaid("a_total", "counter", 'How "many"', ('{by="x"}', "{by='y'}"), ())


def said(*logs: tuple[str, ...]) -> list[LineSaid]:
    return lines_said(logs_of(*logs), TOLD, FIELDS, apart=True)


def test_what_was_learnt_fits_what_it_was_learnt_from() -> None:
    found = learnt(Approved(), said(LOG), [])
    assert list(other_lines(logs_of(LOG), TOLD, found, FIELDS, apart=True)) == []
    form = found.lines["refused", "warning", "busy"]
    assert form.answers == {"refused"}, "of a delivery that was told two things it is not known which was meant"
    assert form.keys["phase"] == {'"insert"', '"select"'}
    assert form.keys["error"] == {'"OSError"'}


def test_rules_of_order_are_learnt_from_many_processes_only() -> None:
    few, many = (learnt(Approved(), said(*[LOG] * n), []).lines["listening", "info", ""] for n in (SURE - 1, SURE))
    assert not few.once
    assert (many.once, many.first, many.last) == (True, True, False)
    assert not learnt(APPROVED, said((*LOG, LISTENING)), []).lines["listening", "info", ""].once


def test_it_only_ever_adds() -> None:
    found = learnt(APPROVED, said((refused(phase="commit", more=1),) * 2), [COUNTER])
    form = found.lines["refused", "warning", "busy"]
    assert form.keys["phase"] == {'"commit"', '"insert"', '"select"'}
    assert form.optional == {"more"}
    assert form.again
    assert found.lines.keys() == APPROVED.lines.keys()


def test_that_a_line_may_come_at_any_time_is_kept() -> None:
    assert learnt(APPROVED, said((LITTER, *LOG)), []).lines["litter", "warning", ""].anytime


def test_many_words_are_a_text() -> None:
    found = learnt(Approved(), said(tuple(refused(phase=f"p{n}") for n in range(14))), [])
    assert found.lines["refused", "warning", "busy"].keys["phase"] == {"text"}


def test_series_that_one_run_lacks_come_later() -> None:
    found = learnt(Approved(), [], [COUNTER, dataclasses.replace(COUNTER, shows=COUNTER.shows[:1])])
    assert found.families["a_total"] == dataclasses.replace(COUNTER, shows=COUNTER.shows[:1], later=COUNTER.shows[1:])


def test_the_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "said.toml"
    words = tuple(f'{{by="{letter} word of several that fill a line"}}' for letter in "abcdef")
    found = learnt(APPROVED, said(LOG), [COUNTER, FamilySaid("b_total", "counter", "", words)])
    found = Approved(
        {**found.lines, ("refused", "warning", "full"): found.lines["refused", "warning", "busy"]}, found.families
    )
    write_approved(found, path)
    assert read_approved(path) == found
    assert 'reasons = ["busy", "full"]' in path.read_text("utf-8"), "equal forms are written once"


def test_two_forms_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "said.toml"
    write_approved(APPROVED, path)
    text = path.read_text("utf-8")
    path.write_text(text + text.partition('"harness.said/1"\n')[2], encoding="utf-8")
    with pytest.raises(UsageError, match="is there twice"):
        read_approved(path)


def test_our_own_file_can_be_read_and_is_in_its_form() -> None:
    path = file_of(load_target(CHECKOUT / "scenarios" / "target.toml"))
    again = path.read_text("utf-8")
    assert read_approved(path).lines

    assert text_of(read_approved(path)) == again


def test_the_verb_reads_runs_of_the_default_profile_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "target.toml"
    own = (CHECKOUT / "scenarios" / "target.toml").read_text("utf-8")
    target.write_text(own.replace("sender.py:", f"{CHECKOUT}/scenarios/sender.py:"), encoding="utf-8")
    for name, profile in (("a", "hardened"), ("b", "incident")):
        with recording(tmp_path / "run" / "history" / f"{name}.jsonl") as recorder:
            recorder.record("runner", RunBegan(name, profile, (), 0, "target.toml", None, ""))
            for each in said(LOG):
                recorder.record("service", each)
            recorder.record("service", MetricsSaid((COUNTER,)))
    command = ["said", str(tmp_path / "run"), "--target", str(target), "--json"]
    assert main(command) == 1
    assert json.loads(capsys.readouterr().out)["runs"] == 1
    assert main([*command, "--update"]) == 0
    assert main(command) == 0
    assert "a_total" in (tmp_path / "said.toml").read_text("utf-8")
    assert main(["said", str(tmp_path / "nothing"), "--target", str(target)]) == 4
