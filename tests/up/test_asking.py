"""Asking a stack that stays up: which one is meant, what it answers, and what one that is gone leaves."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from harness.stack import private_folder
from harness.up import asking
from harness.up.asking import ask
from harness.up.entries import PACKAGE, Entry, quick_folder, sources_of
from harness.up.messages import TAKEN, Asked, read_asked
from tests.tiny import environment

WITHIN_S = 30.0
TO_THE_END = b"end"
"""In place of an answer: waits until the caller wants the run to end."""
HEAVY = {"asyncio", "asyncpg", "click", "httpx", "pydantic", "pytest", "rich"}


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with private_folder() as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
        yield quick_folder()


@pytest.fixture
def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Entry:
    """Of a stack for this folder's target."""
    monkeypatch.chdir(tmp_path)
    target = tmp_path / "scenarios" / "target.toml"
    return Entry(
        target=str(target), directory=str(tmp_path), pid=os.getpid(), python=sys.executable, package=str(PACKAGE),
        sources=sources_of(PACKAGE),
    )  # fmt: skip


class Stack:
    """Answers each caller with the next of the answers, and hangs up."""

    def __init__(self, listener: socket.socket, answers: Sequence[Sequence[bytes]]) -> None:
        self.asked: list[Asked] = []
        self._listener = listener
        self._answers = list(answers)

    def serve(self) -> None:
        while self._answers:
            connection, _ = self._listener.accept()
            with connection:
                asked = read_asked(connection)
                if asked is None:
                    continue
                asked.close()
                self.asked.append(asked)
                for answer in self._answers.pop(0):
                    _say(connection, answer)


def _say(connection: socket.socket, answer: bytes) -> None:
    """Say it; or wait to hear that the run is to end."""
    if answer is TO_THE_END:
        assert connection.recv(1) == b""
    else:
        connection.sendall(answer)


@contextmanager
def announced(entry: Entry, *answers: Sequence[bytes]) -> Iterator[Stack]:
    entry.file.write_text(entry.text(), "utf-8")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(entry.socket))
        listener.listen()
        stack = Stack(listener, answers)
        thread = threading.Thread(target=stack.serve, daemon=True)
        thread.start()
        yield stack
        thread.join(WITHIN_S)
        assert not thread.is_alive(), "it was not asked for all that it would have answered"


def test_a_run_is_asked_for_as_it_would_run_here(entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONG", "x" * 100_000)
    with announced(entry, [TAKEN, b"1\n"]) as stack:
        assert ask(["cut", "-v"]) == 1
    (asked,) = stack.asked
    assert (asked.arguments, asked.directory) == (["cut", "-v"], entry.directory)
    assert asked.environment["LONG"] == "x" * 100_000
    assert asked.path == sys.path


def test_where_up_ends_before_it_has_heard_there_is_none_and_the_user_is_told(
    entry: Entry, capsys: pytest.CaptureFixture[str]
) -> None:
    with announced(entry, []):
        assert ask(["cut"]) is None
    assert f"the stack that stayed up for {entry} ended before it ran this" in capsys.readouterr().err


def test_a_run_that_ends_without_a_status_says_nothing(entry: Entry, capsys: pytest.CaptureFixture[str]) -> None:
    with announced(entry, [TAKEN]):
        assert ask(["cut"]) == 3
    assert f"the run on the stack for {entry} ended without a verdict" in capsys.readouterr().err


@pytest.mark.parametrize("then", [[], [b"2\n"]])
def test_an_interrupted_run_is_told_to_end_and_waited_for(
    entry: Entry, monkeypatch: pytest.MonkeyPatch, then: Sequence[bytes]
) -> None:
    calls = itertools.count(1)

    def interrupted_once_it_was_taken(connection: socket.socket) -> bytes:
        if next(calls) == 2:
            signal.raise_signal(signal.SIGINT)
        return line(connection)

    line = asking.read_line
    monkeypatch.setattr(asking, "read_line", interrupted_once_it_was_taken)
    with announced(entry, [TAKEN, TO_THE_END, *then]):
        assert ask(["cut"]) == 2


def test_without_a_stack_there_is_none_and_what_one_left_is_removed(entry: Entry, runtime: Path) -> None:
    assert ask(["cut"]) is None
    with announced(entry):
        pass
    assert entry.socket.exists()
    assert ask(["cut"]) is None
    assert [file.suffix for file in runtime.iterdir()] in ([], [".lock"])


def test_help_and_another_target_are_for_no_stack(entry: Entry) -> None:
    with announced(entry):
        assert ask(["--help"]) is None
        assert ask(["cut", "--target", "other.toml"]) is None
        assert ask(["cut", "--scenarios=other"]) is None


def test_a_stack_of_another_folder_is_found_by_its_target(entry: Entry) -> None:
    with announced(replace(entry, directory="/nowhere"), [TAKEN, b"0\n"]) as stack:
        assert ask(["cut"]) is None
        assert ask(["cut", "--scenarios", "scenarios"]) == 0
    assert len(stack.asked) == 1


def test_another_python_is_refused_with_the_line_that_fits(entry: Entry, capsys: pytest.CaptureFixture[str]) -> None:
    with announced(replace(entry, python="/other/python")):
        assert ask(["cut"]) == 4
    assert "mend: use that one: /other/python -m harness run" in capsys.readouterr().err


def test_a_harness_that_has_changed_since_is_refused(entry: Entry, capsys: pytest.CaptureFixture[str]) -> None:
    with announced(replace(entry, sources="of an earlier state")):
        assert ask(["cut"]) == 4
    said = capsys.readouterr().err
    assert f"the harness has changed since the stack for {entry} came up" in said
    assert f"mend: end it, with Ctrl-C or kill {entry.pid}, and start harness up again" in said


def test_a_change_of_the_harness_is_seen_and_what_an_editor_lays_beside_it_is_none(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text("a = 1")
    before = sources_of(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "module.py").write_text("compiled")
    (tmp_path / ".module.py.swp").write_text("a = 1")
    (tmp_path / "module.py~").write_text("a = 0")
    (tmp_path / ".#module.py").symlink_to("user@machine.1234")
    assert sources_of(tmp_path) == before
    file.write_text("a = 12")
    assert sources_of(tmp_path) != before


def test_a_file_that_cannot_be_read_is_named(entry: Entry, capsys: pytest.CaptureFixture[str]) -> None:
    entry.file.write_text('{"pid": 1}', "utf-8")
    assert ask(["cut"]) == 3
    assert f"{entry.file} cannot be read" in capsys.readouterr().err


def test_a_folder_that_others_may_enter_is_refused(
    entry: Entry, runtime: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del entry
    runtime.chmod(0o755)
    assert ask(["cut"]) == 3
    assert "is not this user's alone" in capsys.readouterr().err


def test_asking_imports_nothing_heavy() -> None:
    """Most of a verb's start is imports: an import added to the way there would be felt at each save."""
    code = "import sys, harness.__main__, harness.up.asking; print(*{name.partition('.')[0] for name in sys.modules})"
    process = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    assert "platformdirs" in process.stdout.split()
    assert HEAVY.isdisjoint(process.stdout.split())
