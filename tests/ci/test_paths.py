"""Every file of this repository that a configuration names is there: a hash of a missing file keeps an old cache."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ci.support import ACTION, ROOT, WORKFLOWS, shown

NAMING = (ACTION, *WORKFLOWS, *sorted((ROOT / "examples").glob("*.yml")), ROOT / "tox.ini")
FOLDERS = "|".join(re.escape(path.name) for path in sorted(ROOT.iterdir()) if path.is_dir() and path.name != ".venv")
# A folder of the caller's (.cache, .results) is none of ours.
NAMED = re.compile(rf"(?<![\w./-])(?:\$GITHUB_ACTION_PATH\"?/)?((?:{FOLDERS})/[\w./-]+(?:\{{[\w.,-]+\}}[\w./-]*)?)")
MADE = (".cache/", ".pytest_cache/", ".results/", ".tox/")


def paths_in(text: str) -> Iterator[str]:
    """The repository's paths that the text names; each alternative of `{a,b}` is one."""
    for named in NAMED.findall(text):
        head, brace, rest = named.partition("{")
        inside, _, tail = rest.partition("}")
        found = [f"{head}{each}{tail}" for each in inside.split(",")] if brace else [head.rstrip(".")]
        yield from (path for path in found if not path.startswith(MADE))


@pytest.mark.parametrize("file", NAMING, ids=shown)
def test_what_it_names_is_there(file: Path) -> None:
    missing = [path for path in paths_in(file.read_text("utf-8")) if not (ROOT / path).exists()]
    assert missing == []


def test_paths_are_seen() -> None:
    seen = {path for file in NAMING for path in paths_in(file.read_text("utf-8"))}
    assert {"requirements/dev.txt", "requirements/harness.txt", "harness/stack/toxiproxy/go.txt"} <= seen
    text = 'cat "$GITHUB_ACTION_PATH"/harness/stack/{a.py,go.txt} | sha256sum; echo .cache/pip'
    assert list(paths_in(text)) == ["harness/stack/a.py", "harness/stack/go.txt"]
