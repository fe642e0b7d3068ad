"""A process that runs what another one asks for: as that one would, and with nothing left of it afterwards."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cli.as_asked import as_asked
from harness.cli.host import _state_of
from harness.faults import Fault
from harness.quick import Asked

MODULE = """
from harness.vocabulary.value import Value
class {name}(Value, kind="of_a_user"):
    pass
said = {said!r}
"""


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    streams = (os.open(os.devnull, os.O_RDONLY), *(os.open(tmp_path / name, os.O_CREAT | os.O_RDWR) for name in "oe"))
    asked = Asked(
        arguments=["cut"],
        argv=["harness", "run", "cut"],
        directory=str(tmp_path),
        environment={"ONLY": "this"},
        path=[str(tmp_path), *sys.path],
        encoding="ascii",
        streams=streams,
    )
    yield asked
    asked.close()


def test_it_has_what_the_asking_one_has_and_then_its_own_again(asked: Asked, tmp_path: Path) -> None:
    def own() -> tuple[object, ...]:
        return (Path.cwd(), dict(os.environ), sys.argv[:], sys.path[:], sys.stdin, sys.stdout, sys.stderr)

    before = own()
    with as_asked(asked):
        assert (Path.cwd(), dict(os.environ)) == (tmp_path, {"ONLY": "this"})
        assert (sys.argv, sys.path) == (asked.argv, asked.path)
        sys.stdout.write("out, caf\u00e9\n")
        os.write(2, b"err\n")
    assert own() == before
    assert (tmp_path / "o").read_text() == "out, caf\\xe9\n"
    assert (tmp_path / "e").read_text() == "err\n"


def test_a_module_of_the_user_is_imported_anew_and_what_it_registered_is_forgotten(
    asked: Asked, tmp_path: Path
) -> None:
    harness_of_now = sys.modules["harness.cli.as_asked"]
    for name, said in (("First", "old"), ("Second", "new")):
        with as_asked(asked):
            (tmp_path / "of_a_user.py").write_text(MODULE.format(name=name, said=said), "utf-8")
            assert importlib.import_module("of_a_user").said == said
    assert "of_a_user" not in Fault.kinds()
    assert sys.modules["harness.cli.as_asked"] is harness_of_now


def test_a_terminal_that_has_gone_is_no_error(asked: Asked) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    os.dup2(writing, asked.streams[1])
    os.close(writing)
    with as_asked(asked):
        sys.stdout.write("nobody reads this")


def test_a_change_of_the_harness_is_seen(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()
    file = tmp_path / "module.py"
    file.write_text("a = 1")
    before = _state_of(tmp_path)
    (tmp_path / "__pycache__" / "module.pyc").write_text("compiled")
    assert _state_of(tmp_path) == before
    file.write_text("a = 12")
    assert _state_of(tmp_path) != before
