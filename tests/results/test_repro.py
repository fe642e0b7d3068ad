"""The line that repeats a run says how this harness was called, and which scenario is meant."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from harness.invocation import harness_words, harness_words_in
from harness.results import RunKey
from harness.results.repro import gate_line


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `harness` script by which this process was called."""
    path = tmp_path / "bin" / "harness"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\n", "utf-8")
    path.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(path)])
    return path


def test_a_script_on_the_path_is_called_by_its_name(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(script.parent))
    assert harness_words() == ("harness",)


def test_a_script_that_the_shell_would_not_find_is_called_by_its_path(
    script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert harness_words() == (str(script),)
    monkeypatch.chdir(script.parent.parent)
    assert harness_words() == ("bin/harness",)
    monkeypatch.chdir(script.parent)
    assert harness_words() == ("./harness",)


def test_where_the_shell_would_find_another_harness_this_one_is_called_by_its_path(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other" / "harness"
    other.parent.mkdir()
    shutil.copy(script, other)
    monkeypatch.setenv("PATH", f"{other.parent}:{script.parent}")
    assert harness_words() == (str(script),)


def test_in_another_folder_a_path_still_leads_to_it(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir(script.parent.parent)
    monkeypatch.setattr(sys, "argv", ["../" + str(script.relative_to(script.parents[2]))])
    assert harness_words_in(Path("orders")) == (str(script),)
    assert harness_words_in(Path.cwd()) == harness_words()
    monkeypatch.setenv("PATH", str(script.parent))
    assert harness_words_in(Path("orders")) == ("harness",)


@pytest.mark.parametrize("called", ["/x/harness/__main__.py", "/x/bin/pytest"])
def test_else_it_is_a_module(called: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [called])
    assert harness_words()[1:] == ("-m", "harness")


def test_an_id_that_is_a_theme_too_is_written_out() -> None:
    key = RunKey("pool", "hardened")
    assert " gate pool --profile" in gate_line(key, 0, ambiguous=["redis"])
    assert " gate scenario:pool --profile" in gate_line(key, 0, ambiguous=["pool"])
