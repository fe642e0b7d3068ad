"""Every piece of TOML, JSON and YAML on a page is read by what reads such a file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest
from ruamel.yaml import YAML

import harness.target
from harness.documents import Table
from harness.errors import UsageError
from harness.exit_status import ExitStatus
from harness.history import read_history
from harness.proof.mutants import read_mutants
from harness.scenario.scenario import Scenario
from harness.scenario.schedule import read_schedule
from harness.target import SCHEMA as TARGET
from harness.target import load_target
from tests.ci.support import ACTION, read
from tests.pages.support import ROOT, Snippet, snippets


def place(snippet: Snippet) -> str:
    return snippet.place


@pytest.mark.parametrize("snippet", snippets("toml"), ids=place)
def test_toml_is_a_target_or_a_mutant(snippet: Snippet, suite: Mapping[str, Scenario], tmp_path: Path) -> None:
    path = tmp_path / "page.toml"
    if "mutant" in tomllib.loads(snippet.text):
        path.write_text(f'schema = "{"harness.mutants/1"}"\ncopies = ["webhook"]\n{snippet.text}', "utf-8")
        assert read_mutants(path, suite).mutants
    else:
        path.write_text(snippet.text, "utf-8")
        assert load_target(path).description.schema_ == TARGET


@pytest.mark.parametrize("snippet", snippets("json"), ids=place)
def test_json_is_a_schedule_or_a_history(snippet: Snippet, tmp_path: Path) -> None:
    path = tmp_path / "page.json"
    path.write_text(snippet.text, "utf-8")
    if '"schema"' in snippet.text:
        assert read_schedule(path).moves
    else:
        assert read_history(path).entries


@pytest.mark.parametrize("snippet", snippets("yaml"), ids=place)
def test_yaml_uses_the_action_as_it_is(snippet: Snippet) -> None:
    action = read(ACTION)
    steps = YAML(typ="safe").load(snippet.text)
    ours = [step for step in steps if step["uses"].startswith("OWNER/REPOSITORY@")]
    assert ours
    for step in ours:
        assert set(step["with"]) <= set(action["inputs"])
        used = re.findall(rf"steps\.{step['id']}\.outputs\.([\w-]+)", snippet.text)
        assert used
        assert set(used) <= set(action["outputs"])


@pytest.mark.parametrize("text", ['schema = "harness.target/2"\nname = "shop"\n', 'schema = "harness.target/3"\n'])
def test_a_slip_would_be_found(text: str, tmp_path: Path) -> None:
    path = tmp_path / "page.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(UsageError):
        load_target(path)


def test_the_reference_has_every_table_of_a_target() -> None:
    page = (ROOT / "docs" / "target.md").read_text("utf-8")
    modules = [import_module(found.name) for found in walk_packages(harness.target.__path__, "harness.target.")]
    models = {
        f"{module.__name__}.{name}"
        for module in modules
        for name, one in vars(module).items()
        if isinstance(one, type) and issubclass(one, Table) and one.__module__ == module.__name__
        if not one.__subclasses__()  # what only others extend is no table of its own
    }
    assert set(re.findall(r"keys: (harness\.target\.[\w.]+)", page)) == models


@pytest.mark.parametrize("name", ["README.md", "docs/results.md"])
def test_the_exit_statuses_are_those_of_the_code(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    statuses = re.findall(r"^\| (\d) \|", text, re.MULTILINE)
    if not statuses:
        sentence = text[text.index("Exit status: ") :].partition("\n\n")[0].replace("\n", " ")
        statuses = re.findall(r"(?:: |; )(\d) ", sentence)
    assert [int(status) for status in statuses] == [status.value for status in ExitStatus]
