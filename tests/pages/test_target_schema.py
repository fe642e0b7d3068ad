"""The committed JSON Schema of a target description: it is what the models say, and each description names it."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import jsonschema
import pytest

from harness.target.description import SCHEMA_FILE
from tests.pages.support import ROOT
from tests.pages.target_schema import COMMAND, schema_text

OWN = sorted(
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "scenarios/target.toml", "examples/*/target.toml"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split()
)  # fmt: skip


def test_the_schema_is_what_the_models_say() -> None:
    assert SCHEMA_FILE.read_text("utf-8") == schema_text(), f"{COMMAND} writes it anew"


@pytest.mark.parametrize("target", OWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_description_names_the_schema_and_keeps_it(target: Path) -> None:
    text = target.read_text("utf-8")
    named = re.match(r"#:schema (\S+)\n", text)
    assert named is not None
    assert (target.parent / named[1]).resolve() == SCHEMA_FILE.resolve()
    jsonschema.validate(tomllib.loads(text), json.loads(SCHEMA_FILE.read_text("utf-8")))


def test_the_schema_refuses_what_is_no_key() -> None:
    described = tomllib.loads(OWN[-1].read_text("utf-8"))
    with pytest.raises(jsonschema.ValidationError, match="retrys"):
        jsonschema.validate({**described, "retrys": 3}, json.loads(SCHEMA_FILE.read_text("utf-8")))
