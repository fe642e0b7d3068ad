"""The process that has the servers, and its door: what ends them, and that nothing else does."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cli.door import Caller, Door, only_wake
from harness.cli.host import READY, _end_with, _state_of
from harness.cli.stage import told
from harness.present.terminal.streams import into_nothing
from harness.quick import Asked
from harness.quick._wire import send_asked

WITHIN_S = 30.0
ASKED = Asked(
    arguments=["cut"], argv=["harness", "run", "cut"], directory="/", environment={}, path=[], encoding="utf-8",
    streams=(0, 1, 2),
)  # fmt: skip


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Where nobody can come: it does not listen."""
    before = signal.signal(signal.SIGINT, only_wake)
    with socket.socket(socket.AF_UNIX) as listener:
        yield listener
    signal.signal(signal.SIGINT, before)


def _next(door: Door) -> Caller | None:
    """Who comes next; an error where neither somebody comes nor the door says that nobody will."""
    found: list[Caller | None] = []
    waits = threading.Thread(target=lambda: found.append(door.next()), daemon=True)
    waits.start()
    waits.join(WITHIN_S)
    (caller,) = found
    return caller


def test_the_end_of_up_is_heeded_though_it_never_read_that_the_host_is_ready(listener: socket.socket) -> None:
    door, over = Door(listener), threading.Event()
    over.set()
    ours, theirs = socket.socketpair()
    with ours:
        ours.sendall(READY)
        theirs.close()
        _end_with(ours, door, over)
    assert door.next() is None


def test_a_door_that_can_let_nobody_in_any_more_says_so(listener: socket.socket) -> None:
    door = Door(listener)
    door.open()
    assert _next(door) is None
    assert isinstance(door.broken, OSError)


def test_who_comes_to_a_door_that_has_closed_is_let_in_by_the_next_one(tmp_path: Path) -> None:
    name = str(tmp_path / "listener")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(name)
        listener.listen()
        first = Door(listener)
        first.open()
        first.close()
        with socket.socket(socket.AF_UNIX) as comes:
            comes.connect(name)
            second = Door(listener)
            second.open()
            send_asked(comes, ASKED)
            found = _next(second)
            assert found is not None
            assert found.asked.arguments == ASKED.arguments
            found.end()
        second.close()
        assert list(first.waiting()) == []


def test_a_change_of_the_harness_is_seen(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()
    file = tmp_path / "module.py"
    file.write_text("a = 1")
    before = _state_of(tmp_path)
    (tmp_path / "__pycache__" / "module.pyc").write_text("compiled")
    assert _state_of(tmp_path) == before
    file.write_text("a = 12")
    assert _state_of(tmp_path) != before


def test_what_an_editor_lays_beside_the_harness_is_no_change(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("a = 1")
    before = _state_of(tmp_path)
    (tmp_path / ".module.py.swp").write_text("a = 1")
    (tmp_path / "module.py~").write_text("a = 0")
    (tmp_path / ".#module.py").symlink_to("user@machine.1234")
    assert _state_of(tmp_path) == before


def test_a_summary_that_nobody_reads_costs_no_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="utf-8") as stream:  # noqa: PTH123  # a descriptor
        monkeypatch.setattr(sys, "stdout", stream)
        before = os.listdir("/proc/self/fd")  # noqa: PTH208  # the names alone
        assert told("nobody reads this") is False
        assert len(os.listdir("/proc/self/fd")) == len(before)  # noqa: PTH208  # as above
        into_nothing(stream)
