"""A process that runs what another one asks for: as that one would, and with nothing left of it afterwards."""

from __future__ import annotations

import gc
import importlib
import os
import sys
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli.as_asked import as_asked
from harness.quick import Asked
from harness.vocabulary.value import Value

MODULE = """
from dataclasses import dataclass
from harness.vocabulary.value import Value
@dataclass(frozen=True)
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
    forgotten: list[weakref.ref[object]] = []
    for name, said in (("First", "old"), ("Second", "new")):
        with as_asked(asked):
            (tmp_path / "of_a_user.py").write_text(MODULE.format(name=name, said=said), "utf-8")
            module = importlib.import_module("of_a_user")
            assert module.said == said
            assert getattr(module, name)().field_types() == {}
            forgotten.append(weakref.ref(getattr(module, name)))
    assert "of_a_user" not in Value.kinds()
    gc.collect()
    assert forgotten[0]() is None
    assert sys.modules["harness.cli.as_asked"] is harness_of_now


def test_what_a_library_registered_in_the_first_run_is_known_in_the_second(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Value, "_kinds", Value.kinds())
    library = tmp_path / "site-packages"
    library.mkdir()
    (library / "words_of_a_library.py").write_text(MODULE.format(name="Word", said="it"), "utf-8")
    for _ in range(2):
        with as_asked(replace(asked, path=[str(library), *asked.path])):
            word = importlib.import_module("words_of_a_library").Word
            assert Value.kinds()["of_a_user"] is word
    del sys.modules["words_of_a_library"]


def test_a_terminal_that_has_gone_is_no_error(asked: Asked) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    os.dup2(writing, asked.streams[1])
    os.close(writing)
    with as_asked(asked):
        sys.stdout.write("nobody reads this")
