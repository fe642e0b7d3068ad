"""Whatever dies, and whenever: nothing that the keeper started is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.processes.keeper import Keeper
from harness.processes.keeper.inside.descendants import is_stopped
from tests.keeper.support import (
    MARK,
    STUBBORN_TREE,
    STUBBORN_TREE_SIZE,
    marked,
    open_harness,
    python_spec,
    running,
    shell_spec,
    wait_for,
)

# A harness: it starts what the moment wants, tells the mark's processes it can see, and kills itself.
HARNESS = """
import dataclasses, os, signal, sys, threading
from pathlib import Path
from harness.processes.keeper import Keeper
from tests.keeper.support import MARK, STUBBORN_TREE, marked, python_spec, wait_for

moment, folder = sys.argv[1], Path(sys.argv[2])
mark = os.environ[MARK]

def spec(name, **changes):
    base = python_spec(folder, STUBBORN_TREE, env={MARK: mark}, name=name)
    return dataclasses.replace(base, **changes)

def die():
    print(len(marked(mark)), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

if moment == "keeper-starting":
    Keeper._await_ready = lambda self: die()
keeper = Keeper.start()
if moment == "nothing-spawned":
    die()
if moment == "spawning":
    threading.Thread(target=lambda: [keeper.spawn(spec(f"t{n}")) for n in range(50)], daemon=True).start()
    wait_for(lambda: len(marked(mark)) > 6)
    die()
trees = [
    keeper.spawn(spec("plain")),
    keeper.spawn(spec("mapped", as_user="mapped")),
    keeper.spawn(spec("watched", watched_calls=frozenset({"connect"}))),
    keeper.spawn(spec("polite", teardown_signal=signal.SIGTERM)),
]
if moment == "just-spawned":
    die()
wait_for(lambda: all(tree.log.read() for tree in trees))
if moment == "holding-fork":  # a fork of the harness has the connection too, and lives on
    if os.fork() == 0:
        signal.pause()
        os._exit(0)
if moment == "stopping":
    threading.Thread(target=trees[0].stop, kwargs={"grace_s": 60}, daemon=True).start()
if moment == "closing":
    threading.Thread(target=keeper.close, daemon=True).start()
die()
"""
MOMENTS = {
    "keeper-starting": 1,
    "nothing-spawned": 3,
    "spawning": 6,
    "just-spawned": 7,
    "running": 3 + 4 * STUBBORN_TREE_SIZE,
    "stopping": 3 + 4 * STUBBORN_TREE_SIZE,
    "closing": 1,
}


@pytest.fixture
def mark() -> Iterator[str]:
    """A mark in the environment of all that a test starts; whoever bears it afterwards is killed."""
    chosen = uuid.uuid4().hex
    yield chosen
    for pid in marked(chosen):
        os.kill(pid, signal.SIGKILL)


def run_harness(mark: str, program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", open_harness() + program, *arguments],
        env={**os.environ, MARK: mark},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("moment", MOMENTS)
def test_harness_killed(mark: str, tmp_path: Path, moment: str) -> None:
    with run_harness(mark, HARNESS, moment, str(tmp_path)) as harness:
        seen = int(harness.communicate(timeout=60)[0])
    assert harness.returncode == -signal.SIGKILL
    assert seen >= MOMENTS[moment]
    assert wait_for(lambda: not marked(mark)), marked(mark)


def test_harness_killed_while_a_fork_of_it_holds_the_connection(mark: str, tmp_path: Path) -> None:
    """The end of the connection is not seen then; the end of the process is."""
    with run_harness(mark, HARNESS, "holding-fork", str(tmp_path)) as harness:
        assert harness.stdout is not None
        seen = int(harness.stdout.readline())
        assert harness.wait(60) == -signal.SIGKILL
        assert seen >= MOMENTS["running"]
        assert wait_for(lambda: len(marked(mark)) == 1), marked(mark)
        os.kill(marked(mark)[0], signal.SIGKILL)  # the fork


CTRL_C = """
import os, signal, sys
from pathlib import Path
from harness.processes.keeper import Keeper
from tests.keeper.support import shell_spec

with Keeper.start() as keeper:
    process = keeper.spawn(shell_spec(Path(sys.argv[1]), "exec sleep 60"))
    try:
        print("up", flush=True)
        process.wait(60)
    except KeyboardInterrupt:
        groups = [os.getpgid(pid) for pid in (keeper.pid, keeper.guard_pid, process.pid)]
        print(os.getpgid(0) in groups, process.poll(), process.stop(), flush=True)
"""


def test_ctrl_c_leaves_the_teardown_to_the_harness(mark: str, tmp_path: Path) -> None:
    with run_harness(mark, CTRL_C, str(tmp_path)) as harness:
        assert harness.stdout is not None
        assert harness.stdout.readline() == "up\n"
        os.killpg(harness.pid, signal.SIGINT)
        assert harness.communicate(timeout=60)[0] == f"False None {-signal.SIGTERM}\n"
    assert harness.returncode == 0


def stubborn(keeper: Keeper, folder: Path, mark: str) -> list[int]:
    process = keeper.spawn(python_spec(folder, STUBBORN_TREE, env={MARK: mark}))
    assert wait_for(process.log.read)
    pids = marked(mark)
    assert len(pids) == STUBBORN_TREE_SIZE
    return pids


@pytest.mark.parametrize("victims", ["keeper", "guard", "keeper and guard"])
def test_keeper_killed(mark: str, tmp_path: Path, victims: str) -> None:
    """It takes its processes with it, the harness is told, and its teardown is not in the way."""
    with Keeper.start() as keeper:
        child = keeper.spawn(shell_spec(tmp_path, "exec sleep 60", name="sleeper"))
        heard: list[int] = []
        child.on_exit(heard.append)
        if victims != "keeper and guard":  # the double death: only direct children die with them
            stubborn(keeper, tmp_path, mark)
        for victim in victims.split(" and "):
            os.kill({"keeper": keeper.pid, "guard": keeper.guard_pid}[victim], signal.SIGKILL)
        assert child.wait(10) == -signal.SIGKILL
        assert wait_for(lambda: not keeper.alive)
        assert wait_for(lambda: heard) == [-signal.SIGKILL]  # told by another thread, perhaps after `wait` has returned
        assert child.send_signal(signal.SIGTERM) is False
        assert child.stop() == -signal.SIGKILL
        with pytest.raises(HarnessError, match="the keeper has ended, and with it every process that it owned"):
            keeper.spawn(shell_spec(tmp_path, "exit 0"))
        assert wait_for(lambda: not running(child.pid))
        assert wait_for(lambda: not marked(mark)), marked(mark)


@pytest.mark.parametrize("victims", ["keeper", "guard and keeper"])
def test_keeper_stopped(mark: str, tmp_path: Path, victims: str) -> None:
    """A keeper that stands still would hold up everything for half a minute a request: it is ended, with a word."""
    with Keeper.start() as keeper:
        child = keeper.spawn(shell_spec(tmp_path, "exec sleep 60", name="sleeper"))
        stubborn(keeper, tmp_path, mark)
        for victim in victims.split(" and "):
            os.kill({"keeper": keeper.pid, "guard": keeper.guard_pid}[victim], signal.SIGSTOP)
        with pytest.raises(HarnessError, match=r"the keeper has ended.*it was stopped by a signal \(SIGSTOP\)"):
            keeper.spawn(shell_spec(tmp_path, "exit 0"))
        assert child.wait(10) == -signal.SIGKILL
        assert wait_for(lambda: not marked(mark)), marked(mark)


def _fail_with_a_stopped_keeper(folder: Path) -> None:
    with Keeper.start() as keeper:
        child = keeper.spawn(shell_spec(folder, "exec sleep 60"))
        os.kill(keeper.pid, signal.SIGSTOP)
        raise HarnessError(f"it ended with {child.wait(10)}")


def test_what_fails_because_the_keeper_was_stopped_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"the keeper has ended.*stopped by a signal \(SIGSTOP\)") as caught:
        _fail_with_a_stopped_keeper(tmp_path)
    assert "it ended with -9" in str(caught.value.__cause__)


def test_a_guard_that_was_stopped_goes_on(mark: str, tmp_path: Path) -> None:
    with Keeper.start() as keeper:
        stubborn(keeper, tmp_path, mark)
        os.kill(keeper.guard_pid, signal.SIGSTOP)
        assert wait_for(lambda: not is_stopped(keeper.guard_pid))
        assert keeper.spawn(shell_spec(tmp_path, "exit 3")).wait(10) == 3
    assert marked(mark) == []


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("target", ["keeper", "guard"])
def test_keeper_told_to_end(mark: str, tmp_path: Path, signum: signal.Signals, target: str) -> None:
    with Keeper.start() as keeper:
        stubborn(keeper, tmp_path, mark)
        os.kill(keeper.pid if target == "keeper" else keeper.guard_pid, signum)
        assert wait_for(lambda: not keeper.alive)
        assert wait_for(lambda: not marked(mark)), marked(mark)


def test_what_broke_the_keeper_is_told(tmp_path: Path) -> None:
    with Keeper.start() as keeper:
        keeper.connection.control.sendall(b"no message\n")
        assert wait_for(lambda: not keeper.alive)
        with pytest.raises(HarnessError, match=r"(?s)the keeper has ended.*it said:.*JSONDecodeError"):
            keeper.spawn(shell_spec(tmp_path, "exit 0"))
