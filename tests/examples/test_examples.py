"""The targets of other people's services still load, and the pages about them agree."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from examples.run import Example
from harness.target import load_target
from tests.pages.support import ROOT

FOLDERS = sorted(path.parent for path in (ROOT / "examples").glob("*/example.toml"))
FINDINGS = ROOT / "docs" / "findings"
README = (ROOT / "examples" / "README.md").read_text("utf-8")
LINK = re.compile(r"\]\(([^)#:]+)\)")
each_example = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def said(folder: Path) -> Mapping[str, str]:
    found: Mapping[str, str] = tomllib.loads((folder / "example.toml").read_text("utf-8"))
    return found


def test_there_are_examples() -> None:
    assert {folder.name for folder in FOLDERS} >= {"miniflux", "unleash"}


@each_example
def test_its_target_loads_and_it_installs_the_version_that_it_names(folder: Path) -> None:
    description = load_target(folder / "scenarios" / "target.toml").description
    assert description.name == folder.name
    example = Example.read(folder)
    assert any(said(folder)["version"] in word for command in example.install for word in command)


@each_example
def test_the_table_says_what_its_folder_says(folder: Path) -> None:
    facts = said(folder)
    (row,) = [line for line in README.splitlines() if f"]({folder.name}/" in line]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[0].partition("](")[0][1:] == facts["service"]
    assert cells[0].endswith(f") {facts['version']}")
    assert cells[1:4] == [facts["written_in"], facts["uses"], str(facts["minutes"])]
    expected = Example.read(folder).expected
    assert expected.is_file() == cells[4][:1].isdigit()
    if expected.is_file():
        failed = expected.read_text("utf-8").split()
        assert cells[4].startswith(f"{len(failed)} of "), "failed.txt has another number"
        assert failed == sorted(failed)
    assert [Path(link).stem for link in LINK.findall(cells[5])] == [*facts["findings"]]


def test_what_a_busy_machine_could_not_judge_counts_as_before(tmp_path: Path) -> None:
    latest = tmp_path / ".results" / "latest"
    latest.mkdir(parents=True)
    verdicts = {"b": "failed", "a": "inconclusive", "c": "inconclusive", "d": "held"}
    runs = [{"id": name, "verdict": verdict} for name, verdict in verdicts.items()]
    (latest / "summary.json").write_text(json.dumps({"runs": runs}), "utf-8")
    assert Example(tmp_path, []).failed(["a", "d"]) == ["a", "b"]


def test_every_finding_is_of_an_example_and_in_the_index() -> None:
    pages = {path.stem for path in FINDINGS.glob("*.md")} - {"index"}
    assert pages == {name for folder in FOLDERS for name in said(folder)["findings"]}
    listed = (FINDINGS / "index.md").read_text("utf-8").partition("```{toctree}\n")[2].partition("```")[0].split()
    assert sorted(listed) == sorted(pages)


@pytest.mark.parametrize("page", sorted(FINDINGS.glob("*.md")), ids=lambda page: page.stem)
def test_a_findings_links_lead_somewhere_and_it_names_versions_and_scenarios(page: Path) -> None:
    text = page.read_text("utf-8")
    for link in LINK.findall(text):
        assert (page.parent / link).exists(), link
    if page.stem == "index":
        return
    (folder,) = [each for each in FOLDERS if page.stem in said(each)["findings"]]
    assert f"{said(folder)['service']} {said(folder)['version']}" in text
    for head in ("| seen in |", "| found by |", "| upstream |"):
        assert head in text
    expected = Example.read(folder).expected
    failed = expected.read_text("utf-8").split() if expected.is_file() else []
    for name in re.findall(r"`(standard_\w+)`", text) if failed else []:
        assert name in failed, f"{name} does not fail any more"
