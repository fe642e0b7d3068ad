"""Runs in forks: one after the other, whatever a run does to itself, and none outlives its parent."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from harness.up.messages import TAKEN, Asked, send_asked
from tests.cli.support import lives
from tests.keeper.support import wait_for
from tests.tiny import environment

WITHIN_S = 30.0
PROGRAM = """
import contextlib, os, socket, sys, time
from harness.up import serving

class UpServers:
    def lent(self):
        return contextlib.nullcontext()
    def take_over(self):
        pass
    def is_sound(self):
        return True
    def bring_up(self, progress):
        print("replaced", flush=True)

def hangs():
    while True:
        try:
            print("hangs", os.getpid(), flush=True)
            time.sleep(3600)
        except KeyboardInterrupt:
            pass

def says():
    import of_a_user
    print(of_a_user.said, os.getcwd(), dict(os.environ), sys.argv, "caf\\u00e9")

def waits():
    print("waits", os.getpid(), flush=True)
    time.sleep(3600)

def run(arguments, servers):
    ends = {"ends": lambda: os._exit(0), "raises": lambda: 1 / 0}
    {"hangs": hangs, "says": says, "waits": waits, "also_waits": waits, **ends}[arguments[0]]()
    return 5

serving.OVER_WITHIN_S = float(sys.argv[2])
serving.serve(socket.socket(fileno=int(sys.argv[1])), UpServers(), run)
"""


class Server:
    """A process that serves runs; its standard output is in the file `output`. `over_within_s`: then it kills them."""

    def __init__(self, folder: Path, over_within_s: float) -> None:
        self.folder = folder
        self.output = folder / "server.txt"
        self._socket = folder / "socket"
        with socket.socket(socket.AF_UNIX) as listener, self.output.open("wb") as output:
            listener.bind(str(self._socket))
            listener.listen()
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(listener.fileno()), str(over_within_s)],
                pass_fds=[listener.fileno()], env=environment(), stdout=output, stderr=output,
            )  # fmt: skip

    @contextmanager
    def asked(self, word: str) -> Iterator[socket.socket]:
        """Ask for a run that writes into the file of this name."""
        with socket.socket(socket.AF_UNIX) as caller, (self.folder / word).open("wb") as output:
            caller.settimeout(WITHIN_S)
            caller.connect(str(self._socket))
            streams = (0, output.fileno(), output.fileno())
            asked = Asked(
                arguments=[word], argv=["harness", "run", word], directory=str(self.folder), environment={"ONLY": "x"},
                path=[str(self.folder), *sys.path], encoding="ascii", streams=streams,
            )  # fmt: skip
            send_asked(caller, asked)
            yield caller

    def answers(self, word: str) -> bytes:
        with self.asked(word) as caller:
            return read_all(caller)

    def pid_of(self, word: str) -> psutil.Process:
        """The process of a run that says it."""
        file = self.folder / word
        assert wait_for(lambda: file.read_text("utf-8").endswith("\n"), within_s=WITHIN_S), self.said
        return psutil.Process(int(file.read_text("utf-8").split()[1]))

    @property
    def said(self) -> str:
        return self.output.read_text("utf-8")


def read_all(caller: socket.socket) -> bytes:
    said = b""
    while part := caller.recv(100):
        said += part
    return said


@contextmanager
def serving(folder: Path, over_within_s: float) -> Iterator[Server]:
    server = Server(folder, over_within_s)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """It gives a run as long to end by itself as a busy machine may need."""
    with serving(tmp_path, WITHIN_S) as server:
        yield server


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path, 0.5) as server:
        yield server


def test_a_run_is_made_as_its_caller_would_make_it_with_files_as_they_are(server: Server) -> None:
    for said in ("first", "second"):
        (server.folder / "of_a_user.py").write_text(f"said = {said!r}", "utf-8")
        assert server.answers("says") == TAKEN + b"5\n"
        text = (server.folder / "says").read_text("utf-8")
        assert text == f"{said} {server.folder} {{'ONLY': 'x'}} ['harness', 'run', 'says'] caf\\xe9\n"
    assert "replaced" not in server.said


@pytest.mark.parametrize("word", ["ends", "raises"])
def test_a_run_that_breaks_has_no_status_and_its_servers_are_replaced(server: Server, word: str) -> None:
    assert server.answers(word) == TAKEN
    assert server.answers("ends") == TAKEN, "the next one is served"
    assert wait_for(lambda: server.said.count("replaced") == 2), server.said
    assert ("ZeroDivisionError" in (server.folder / word).read_text("utf-8")) == (word == "raises")


def test_two_callers_are_served_one_after_the_other_and_each_can_end_its_run(server: Server) -> None:
    with server.asked("waits") as first, server.asked("also_waits") as second:
        for caller, word, next_word in ((first, "waits", "also_waits"), (second, "also_waits", "")):
            run = server.pid_of(word)
            assert not next_word or (server.folder / next_word).read_bytes() == b""
            caller.shutdown(socket.SHUT_WR)
            assert read_all(caller) == TAKEN + b"2\n"
            assert not run.is_running()
    assert "replaced" not in server.said


def test_a_run_that_does_not_end_when_it_is_told_to_is_killed(impatient: Server) -> None:
    with impatient.asked("hangs") as caller:
        hanging = impatient.pid_of("hangs")
        caller.shutdown(socket.SHUT_WR)
        assert read_all(caller) == TAKEN
    assert not hanging.is_running()
    assert wait_for(lambda: "replaced" in impatient.said)


def test_a_run_ends_with_its_caller(server: Server) -> None:
    with server.asked("waits"):
        run = server.pid_of("waits")
    assert wait_for(lambda: not run.is_running())
    assert server.answers("ends") == TAKEN


def test_callers_that_make_no_sense_are_passed_over(server: Server) -> None:
    for words in (b"", b"nonsense\n", b"{}\n"):
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(str(server.folder / "socket"))
            caller.sendall(words)
    assert server.answers("ends") == TAKEN


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGINT])
def test_no_run_outlives_the_process_that_has_forked_it(impatient: Server, signum: int) -> None:
    with impatient.asked("hangs"):
        run = impatient.pid_of("hangs")
        os.kill(impatient.process.pid, signum)
        impatient.process.wait(WITHIN_S)
        assert wait_for(lambda: not lives(run))
