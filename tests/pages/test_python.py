"""Every piece of Python on a page is Python, and means what the harness takes."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click
import pytest

import harness
from harness import Fault, Figure, Moment
from harness.cli.verbs.setup.new import new
from harness.drafting import draft
from harness.errors import HarnessError
from harness.plugin.collection import collect_scenarios
from harness.scenario.scenario import Scenario
from harness.target import Target
from harness.vocabulary import Value
from tests.pages.support import ROOT, Snippet, snippets
from tests.scenario.support import play, play_source

WORDS = {name: getattr(harness, name) for name in harness.__all__}
HEADER = f"import pytest\n\nfrom harness import {', '.join(harness.__all__)}\n\n\n"
VERB = re.compile(r"(?:await |async with )?lab\.(?!verb\b)\w+")
CALL = re.compile(r"(?:link|wire|server|syscall|process|postgres|redis|service)\.[\w.]+\([^.]")
FAULT = re.compile(r"(link|wire|server|syscall|process)\.(?!py\b)([a-z_]+)")
WRITTEN = snippets("python")
SCENARIOS = [snippet for snippet in WRITTEN if "async def test_" in snippet.text]
OTHERS = [snippet for snippet in WRITTEN if snippet not in SCENARIOS]
IN_SENTENCES = snippets("python", inline=True)


def place(snippet: Snippet) -> str:
    return f"{snippet.place}: {snippet.text[:50]}" if snippet.inline else snippet.place


def matching(pattern: re.Pattern[str]) -> list[Snippet]:
    return [snippet for snippet in IN_SENTENCES if pattern.match(snippet.text)]


def collected(text: str, target: Target, folder: Path) -> Sequence[Scenario]:
    # Two modules of one name cannot both be imported.
    name = re.sub(r"\W", "_", f"page_{folder.name}")
    (folder / f"{name}.py").write_text(HEADER + text, "utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n", "utf-8")
    return collect_scenarios(folder, target.description)


def function_in(text: str) -> ast.AsyncFunctionDef:
    [function] = [node for node in ast.parse(text).body if isinstance(node, ast.AsyncFunctionDef)]
    return function


def functions_of_the_suite() -> Iterator[ast.AsyncFunctionDef]:
    for path in (ROOT / "scenarios").glob("*.py"):
        yield from (node for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.AsyncFunctionDef))


@pytest.mark.parametrize("snippet", SCENARIOS, ids=place)
def test_a_scenario_is_collected_and_its_steps_are_taken(snippet: Snippet, target: Target, tmp_path: Path) -> None:
    [scenario] = collected(snippet.text, target, tmp_path)
    assert scenario.proofs
    assert play(scenario.play).moves


@pytest.mark.parametrize("snippet", SCENARIOS, ids=place)
def test_a_scenario_of_the_suite_is_shown_as_it_is(
    snippet: Snippet, target: Target, suite: Mapping[str, Scenario], tmp_path: Path
) -> None:
    shown = function_in(snippet.text)
    known = {function.name: function for function in functions_of_the_suite()}.get(shown.name)
    if known is None:
        drafted = draft_that_is_told_above(snippet, target)
        assert snippet.text.strip() in drafted
        return
    assert [ast.dump(line) for line in shown.body] == [ast.dump(line) for line in known.body]
    assert ast.dump(shown.args) == ast.dump(known.args)
    [scenario] = collected(snippet.text, target, tmp_path)
    for proof in scenario.proofs:
        # A page may leave a part of the reason out.
        fitting = [one for one in suite[scenario.id].proofs if re.search(proof.match, one.match)]
        assert proof in [replace(one, match=proof.match) for one in fitting], "its proofs are the suite's"


def draft_that_is_told_above(snippet: Snippet, target: Target) -> str:
    """What `harness new` writes when it is called as the page says above the snippet."""
    above = [one for one in snippets("shell") if one.page == snippet.page and one.line < snippet.line]
    words = shlex.split(above[-1].text)
    assert words[:4] == ["python", "-m", "harness", "new"], f"{snippet.place}: neither of the suite nor a draft"
    with new.make_context("new", words[4:]) as context:
        told = context.params
    return draft(told["name"], target, kind=told["fault"], link=told["link"], protection=told["proves"]).text


@pytest.mark.parametrize("snippet", OTHERS, ids=place)
def test_other_python_runs_and_gives_public_names(snippet: Snippet) -> None:
    names: dict[str, object] = {"__builtins__": __builtins__}
    exec(compile(snippet.text, snippet.place, "exec"), names)  # noqa: S102  # that it runs is what is tested
    given = names.keys() - {"__builtins__"}
    assert given
    assert given <= set(harness.__all__)


@pytest.mark.parametrize("snippet", matching(VERB), ids=place)
def test_a_step_in_a_sentence_is_one(snippet: Snippet) -> None:
    name = snippet.text.split("lab.")[1].partition("(")[0]
    assert callable(getattr(harness.Lab, name))
    if "(" in snippet.text:
        step = snippet.text if " " in snippet.text.partition("(")[0] else f"await {snippet.text}"
        assert play_source(step).moves


@pytest.mark.parametrize("snippet", matching(CALL), ids=place)
def test_a_value_in_a_sentence_is_one(snippet: Snippet) -> None:
    value = eval(snippet.text, dict(WORDS))  # noqa: S307  # the page's own words
    assert isinstance(value, (Fault, Moment, Figure))
    assert isinstance(value, Value)


@pytest.mark.parametrize("snippet", matching(FAULT), ids=place)
def test_a_fault_in_a_sentence_is_there(snippet: Snippet) -> None:
    found = FAULT.match(snippet.text)
    assert found is not None
    assert found[0] in Fault.kinds()


def test_the_pages_python_is_seen() -> None:
    assert len(SCENARIOS) >= 4
    assert any("after_bytes=12" in snippet.text for snippet in matching(CALL))
    assert any("lab.until(" in snippet.text for snippet in matching(VERB))


def test_a_slip_would_be_found(target: Target, tmp_path: Path) -> None:
    with pytest.raises(HarnessError):
        play_source('await lab.inject(link.latency(redis, latency_ms="2 s"))')
    unproved = "async def test_a(lab: Lab) -> None:\n    await lab.deliver()\n"
    with pytest.raises(HarnessError):
        collected(unproved, target, tmp_path)
    with pytest.raises(click.ClickException):
        new.make_context("new", ["a", "--falt", "link.cut"])
