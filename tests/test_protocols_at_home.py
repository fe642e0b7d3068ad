"""A protocol is named in its own folder and in the registry, and nowhere else in the harness."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness
from harness.protocols.registry import PROTOCOLS
from harness.vocabulary.links import WORDS

ROOT = Path(harness.__file__).parent
HOME = ROOT / "protocols"
EXPORTS = ROOT / "__init__.py"
"""What a scenario imports: each protocol's words."""
SCHEMES = {"stack/toxiproxy/api.py", "stack/toxiproxy/client.py"}
"""There "http" is how a URL begins, not a protocol of a link."""
DEMO = ROOT / "demo"
"""A service with its scenarios: what a user would write, not part of the harness."""
NAMESPACE = {"faults/server.py"}
"""It says for type checkers which faults of one protocol's servers a scenario finds under the name `server`."""


def named_in(source: str) -> Iterator[str]:
    """Every place where a protocol's name decides something: a text that is one, its modules, its class."""
    classes = {link.__name__ for link in WORDS.all().values()}
    modules = {f"harness.protocols.{protocol}" for protocol in PROTOCOLS}
    tree = ast.parse(source)
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if text in PROTOCOLS:
                yield f"{node.lineno}: {text!r}"
            case ast.ImportFrom(module=str(module)) if ".".join(module.split(".")[:3]) in modules:
                yield f"{node.lineno}: from {module} import"
            case ast.ImportFrom(module="harness.protocols", names=names):
                yield from (f"{node.lineno}: import {each.name}" for each in names if each.name in PROTOCOLS)
            case ast.Import(names=names):
                yield from (f"{node.lineno}: import {each.name}" for each in names if each.name in modules)
            case ast.Name(id=name) if name in classes:
                yield f"{node.lineno}: {name}"
            case ast.Attribute(attr=name) | ast.arg(arg=name) if name in {f"is_{each}" for each in PROTOCOLS}:
                yield f"{node.lineno}: {name}"


def test_no_module_outside_a_protocols_folder_names_one() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{where}"
        for path in sorted(ROOT.rglob("*.py"))
        if not {HOME, DEMO} & {*path.parents} and path != EXPORTS
        for where in named_in(path.read_text("utf-8"))
        if str(path.relative_to(ROOT)) not in NAMESPACE | (SCHEMES if where.endswith("'http'") else set())
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        'if link.protocol == "postgres": pass',
        'PORTS = {"redis": 6379}',
        "from harness.protocols.postgres.words import Postgres as P",
        "from harness.protocols import redis",
        "import harness.protocols.redis",
        "isinstance(link, Postgres)",
        "hop.is_postgres",
    ],
)
def test_each_way_to_name_one_is_found(source: str) -> None:
    assert list(named_in(source))


def test_a_sentence_that_speaks_of_one_is_none() -> None:
    assert not list(named_in('"""As postgres does."""\nTITLE = "a redis:// URL"'))
