"""The standard suite as a file: what it says, and that it is as tidy as one written by hand."""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.demo import SCENARIOS
from harness.drafting import check_free, suite_source, usual_protection
from harness.errors import UsageError
from harness.plugin.collection import collect_scenarios
from harness.protocols.postgres.words import Postgres, postgres
from harness.protocols.redis.words import redis
from harness.scenario.schedule import Begin, Do
from harness.search.recording.places import Place
from harness.search.recording.recording import Observed, Recording
from harness.standard.plan import StandardSuite, Unbroken, standard_suite
from harness.standard.statements import statements
from harness.target import Target, load_target
from tests.tiny import CHECKOUT, completed, run_harness, write_suite

LONG = 'SELECT "id", "digest" FROM "a_table_with_a_name_that_is_long" WHERE "tenant" = $1 AND "is_this_too_long" = '
LONG_TEXTS = (LONG + "$2 LIMIT 1", LONG + "$2 LIMIT 2")
TEXTS = (
    *LONG_TEXTS,
    "SELECT it_fits_into_one_line_but_is_long_enough_for_a_name FROM a",
    "SELECT it_fits_not FROM b",
    "SELECT now()",
    "INSERT INTO orders VALUES ('it''s')",
    "COMMIT",
)


class Named(ast.NodeTransformer):
    """Puts the long texts in the place of their names."""

    def __init__(self, tree: ast.Module) -> None:
        assigned = [node for node in tree.body if isinstance(node, ast.Assign)]
        self.texts = {ast.unparse(node.targets[0]): ast.literal_eval(node.value) for node in assigned}

    def visit_Name(self, node: ast.Name) -> ast.expr:  # the name that ast calls
        return ast.Constant(self.texts[node.id]) if node.id in self.texts else node


@pytest.fixture(scope="module")
def demo() -> Target:
    return load_target(SCENARIOS / "target.toml")


def suite_of(target: Target, texts: Sequence[str]) -> StandardSuite:
    def observed(text: str) -> Observed:
        return Observed(Place("postgres", "sent", "query", "Any", text, 1), "postgres", text, 1, 10, True, False)

    found = statements([Recording("warm", tuple(map(observed, texts)))], [postgres, redis])
    seen = Unbroken(statements=found, kept=dict.fromkeys(target.description.links, 1), used=frozenset())
    nothing_lacks: dict[str, str] = {}
    return standard_suite(target, seen, nothing_lacks.get)


def written(target: Target, texts: Sequence[str] = TEXTS) -> str:
    suite = suite_of(target, texts)
    return suite_source(suite, target.description.name, lambda each: usual_protection(target, each.link))


@pytest.mark.parametrize("target", [SCENARIOS / "target.toml", CHECKOUT / "scenarios" / "target.toml"], ids=str)
def test_a_linter_and_a_formatter_are_content_with_the_file(tmp_path: Path, target: Path) -> None:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "__init__.py").write_text('"""A suite."""\n', "utf-8")
    file = folder / "standard.py"
    file.write_text(written(load_target(target)), "utf-8")
    ruff = [sys.executable, "-m", "ruff"]
    settings = ["--no-cache", "--config", str(CHECKOUT / "pyproject.toml"), str(file)]
    checked = completed([*ruff, "check", *settings], cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout
    formatted = completed([*ruff, "format", "--diff", *settings], cwd=tmp_path)
    assert formatted.returncode == 0, formatted.stdout


def test_the_file_has_every_scenario_of_the_suite_under_its_id(tmp_path: Path, demo: Target) -> None:
    suite = suite_of(demo, TEXTS)
    (tmp_path / "standard.py").write_text(written(demo), "utf-8")
    found = collect_scenarios(tmp_path, demo.description)
    assert [each.id for each in found] == [each.id for each in suite.planned]
    assert [each.nightly for each in found] == [each.nightly for each in suite.planned]


def test_what_the_file_does_is_what_the_suite_does(demo: Target) -> None:
    """Every step of the suite, read as Python, is the step in the file."""
    suite = suite_of(demo, TEXTS)
    tree = ast.parse(written(demo))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.AsyncFunctionDef)}
    named = Named(tree)
    assert {*LONG_TEXTS} <= set(named.texts.values())
    for each in suite.planned:
        function = named.visit(functions[f"test_{each.id}"])
        calls = [ast.unparse(node) for node in ast.walk(function) if isinstance(node, ast.Call)]
        steps = [move.step for move in each.moves if isinstance(move, Do | Begin)]
        spoken_of = {step.kind for step in steps} & {"until", "heal"}  # these name a fault by a variable
        for step in steps if not spoken_of else ():
            assert ast.unparse(ast.parse(f"lab.{step!r}", mode="eval")) in calls, each.id


def test_a_target_with_protections_has_proofs_to_fill_in() -> None:
    ours = load_target(CHECKOUT / "scenarios" / "target.toml")
    text = written(ours, ["INSERT"])
    assert '@proves("redis.' in text
    assert text.count("@proves(") == text.count("\nasync def test_")
    assert "from harness import" in text
    assert "@proves" not in written(load_target(SCENARIOS / "target.toml"), ["INSERT"])


def test_a_link_of_another_name_is_written_as_the_call_that_makes_it(tmp_path: Path) -> None:
    text = (SCENARIOS / "target.toml").read_text("utf-8").replace("links.postgres", "links.ledger")
    text = text.replace("{postgres.url}", "{ledger.url}").replace("[stored]", '[stored]\nlink = "ledger"')
    (tmp_path / "target.toml").write_text(text, "utf-8")
    target = load_target(tmp_path / "target.toml")
    assert repr(Postgres("ledger")) == "Postgres('ledger')"
    assert 'link.down(Postgres("ledger"))' in written(target, [])


def test_a_scenario_that_is_there_already_is_named() -> None:
    with pytest.raises(UsageError, match="--suite = 'b': a scenario has this name already"):
        check_free({"a", "b"}, {"b", "c"})


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "NAME = '': a scenario needs a name; mend: name the scenario, or say --suite"),
        (("--suite", "--link", "redis"), "--link = 'redis': the standard suite has all faults on all links"),
    ],
)
def test_words_that_do_not_fit_together_are_refused(tmp_path: Path, words: Sequence[str], told: str) -> None:
    process = run_harness("new", *words, cwd=write_suite(tmp_path))
    assert process.returncode == 4
    assert told.partition(";")[0] in process.stderr
