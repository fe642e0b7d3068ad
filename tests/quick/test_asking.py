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

from harness.quick import (
    INTERRUPT,
    PACKAGE,
    Again,
    Answer,
    Asked,
    Ended,
    Entry,
    Taken,
    _asking,
    ask,
    quick_folder,
    read_asked,
    send_answer,
)
from harness.stack import private_folder
from tests.tiny import environment

WITHIN_S = 30.0
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
        target=str(target), directory=str(tmp_path), pid=os.getpid(), python=sys.executable, package=str(PACKAGE)
    )


class Stack:
    """Answers each who asks with the next of the answers, and hangs up."""

    def __init__(self, listener: socket.socket, answers: Sequence[Sequence[Answer | None]], *, ends: bool) -> None:
        self.asked: list[Asked] = []
        self._listener = listener
        self._ends = ends
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
                answers = self._answers.pop(0)
                if self._ends and not self._answers:
                    self._listener.close()
                for answer in answers:
                    _say(connection, answer)


def _say(connection: socket.socket, answer: Answer | None) -> None:
    """Say it; None is to hear that it is to end."""
    if answer is None:
        assert connection.recv(len(INTERRUPT)) == INTERRUPT
    else:
        send_answer(connection, answer)


@contextmanager
def announced(entry: Entry, *answers: Sequence[Answer | None], ends: bool = False) -> Iterator[Stack]:
    """`ends`: nobody listens any more before the last answers."""
    entry.file.write_text(entry.text(), "utf-8")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(entry.socket))
        listener.listen()
        stack = Stack(listener, answers, ends=ends)
        thread = threading.Thread(target=stack.serve, daemon=True)
        thread.start()
        yield stack
        thread.join(WITHIN_S)
        assert not thread.is_alive(), "it was not asked for all that it would have answered"


def test_a_run_is_asked_for_as_it_would_run_here(entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONG", "x" * 100_000)
    with announced(entry, [Taken(), Ended(1)]) as stack:
        assert ask(["cut", "-v"]) == 1
    (asked,) = stack.asked
    assert (asked.arguments, asked.directory) == (["cut", "-v"], entry.directory)
    assert asked.environment["LONG"] == "x" * 100_000
    assert asked.path == sys.path


def test_where_the_harness_has_changed_the_next_stack_is_asked(
    entry: Entry, capsys: pytest.CaptureFixture[str]
) -> None:
    with announced(entry, [Again("it has changed")], [Taken(), Ended(0)]) as stack:
        assert ask(["cut"]) == 0
    assert len(stack.asked) == 2
    assert "it has changed" in capsys.readouterr().err


def test_one_that_goes_before_it_has_heard_is_asked_again(entry: Entry, capsys: pytest.CaptureFixture[str]) -> None:
    """A host that has said that it goes lets in until it is gone; then comes another, or none."""
    with announced(entry, [Again("it has changed")], [], [Taken(), Ended(1)]) as stack:
        assert ask(["cut"]) == 1
    assert len(stack.asked) == 3
    assert f"the stack that stayed up for {entry} went before it ran this" in capsys.readouterr().err


def test_where_up_ends_before_it_has_heard_there_is_none_and_the_user_is_told(
    entry: Entry, capsys: pytest.CaptureFixture[str]
) -> None:
    with announced(entry, [], ends=True):
        assert ask(["cut"]) is None
    assert f"the stack that stayed up for {entry} went before it ran this" in capsys.readouterr().err


def test_one_that_goes_in_mid_run_says_nothing(entry: Entry) -> None:
    with announced(entry, [Taken()]):
        assert ask(["cut"]) == 3


def test_a_run_that_was_interrupted_is_so_though_the_stack_went_with_it(
    entry: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = itertools.count(1)

    def interrupted_once_it_was_taken(connection: socket.socket) -> Taken | Ended | Again | None:
        if next(calls) == 2:
            signal.raise_signal(signal.SIGINT)
        return answered(connection)

    answered = _asking._next
    monkeypatch.setattr(_asking, "_next", interrupted_once_it_was_taken)
    with announced(entry, [Taken(), None]):
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
    with announced(replace(entry, directory="/nowhere"), [Taken(), Ended(0)]) as stack:
        assert ask(["cut"]) is None
        assert ask(["cut", "--scenarios", "scenarios"]) == 0
    assert len(stack.asked) == 1


def test_another_python_is_refused_with_the_line_that_fits(entry: Entry, capsys: pytest.CaptureFixture[str]) -> None:
    with announced(replace(entry, python="/other/python")):
        assert ask(["cut"]) == 4
    assert "mend: use that one: /other/python -m harness run" in capsys.readouterr().err


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


def test_who_asks_imports_nothing_heavy() -> None:
    """Most of a verb's start is imports: an import added to the way there would be felt at each save."""
    code = "import sys, harness.__main__; print(*{name.partition('.')[0] for name in sys.modules})"
    process = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    assert "platformdirs" in process.stdout.split()
    assert HEAVY.isdisjoint(process.stdout.split())
