"""`harness --help` is made from a list of the verbs, and imports none of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

import harness.cli.verbs
from harness.cli.listing import LISTED
from harness.cli.main import harness as group
from tests.tiny import CHECKOUT

HEAVY = ("asyncio", "jinja2", "pydantic", "pytest", "redis", "requests", "rich", "harness.faults", "harness.suite")
UNUSED_BY_A_GATE = (
    "dnslib",
    "harness.drafting",
    "harness.search.orders.interleaver",
    "harness.search.sweep.sweeper",
    "harness.standard",
    "harness.wrap",
    "rich",
    "yaml",
)
"""Until a target, a terminal or an option asks for them."""
ASKED = """
import sys
from harness.__main__ import main
sys.argv = ["harness", *sys.argv[1:]]
status = main()
sys.stderr.write(" ".join(sys.modules))
sys.exit(status)
"""


@pytest.mark.parametrize("width", [80, 400])
def test_the_list_says_what_the_verbs_themselves_say(width: int) -> None:
    verbs = click.Group(commands=dict(group.commands.items()))
    assert _shown(group, width) == _shown(verbs, width)


def test_every_verb_is_listed() -> None:
    (folder,) = harness.cli.verbs.__path__
    written = {(path.parent.name, path.stem) for path in Path(folder).glob("*/*.py") if path.stem != "__init__"}
    assert {(listed.folder, name) for name, listed in LISTED.items()} == written


@pytest.mark.parametrize("word", ["--help", "gaet"])
def test_the_help_and_a_typing_error_import_nothing_heavy(word: str) -> None:
    ran = subprocess.run([sys.executable, "-c", ASKED, word], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert ran.returncode == (4 if word == "gaet" else 0), ran.stderr
    modules = set(ran.stderr.split())
    assert "click" in modules
    assert modules.isdisjoint(HEAVY)


def test_a_gate_does_not_import_what_only_some_gates_need() -> None:
    loads = "import sys; from harness.cli.main import harness; harness.commands['gate']; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", loads], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    modules = set(ran.stdout.split())
    assert "harness.cli.verbs.runs.gate" in modules
    assert modules.isdisjoint(UNUSED_BY_A_GATE)


def _shown(shown: click.Group, width: int) -> str:
    """The list of the verbs on a terminal of so many columns; on a wide one, whole sentences."""
    context = click.Context(shown, terminal_width=width)
    formatter = context.make_formatter()
    shown.format_commands(context, formatter)
    return formatter.getvalue()
