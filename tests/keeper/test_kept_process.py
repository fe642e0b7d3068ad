"""Signals, stopping, and who hears of an end."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.processes.keeper import Keeper
from harness.processes.keeper.inside.children import Child, Children
from harness.processes.keeper.messages import Done, SendSignal
from tests.keeper.support import STUBBORN_TREE, python_spec, running, shell_spec, wait_for

IGNORES_TERM = "trap '' TERM; echo up; while :; do sleep 60; done"


def exits_on(signum: signal.Signals, status: int) -> str:
    return f"""
import signal, sys
signal.signal({signum}, lambda *_: sys.exit({status}))
print("up", flush=True)
signal.pause()
"""


def test_wait_times_out_and_says_who(keeper: Keeper, tmp_path: Path) -> None:
    process = keeper.spawn(shell_spec(tmp_path, "sleep 60", name="sleeper"))
    assert process.poll() is None
    with pytest.raises(TimeoutError, match=rf"sleeper \(pid {process.pid}\) still runs after 0\.05 s"):
        process.wait(0.05)


def test_signal_to_the_gone_says_false(keeper: Keeper, tmp_path: Path) -> None:
    process = keeper.spawn(shell_spec(tmp_path, "exec sleep 60"))
    assert process.send_signal(signal.SIGUSR1)
    assert process.wait(10) == -signal.SIGUSR1
    assert not process.send_signal(signal.SIGTERM)


def test_a_child_that_has_ended_and_was_not_reaped_yet_hears_nothing() -> None:
    """Who sends it a signal then has not ended it."""
    with subprocess.Popen(["true"]) as ended:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        children = Children()
        children.add(
            Child(
                number=1, pid=ended.pid, session=ended.pid, teardown_signal=signal.SIGKILL, log="", may_be_stopped=False
            )
        )
        assert children.signal(SendSignal(request=7, child=1, signum=signal.SIGTERM)) == Done(request=7, found=False)


def test_a_signal_that_does_not_exist_is_refused(keeper: Keeper, tmp_path: Path) -> None:
    process = keeper.spawn(shell_spec(tmp_path, "exec sleep 60"))
    with pytest.raises(HarnessError, match=r"signal 200 to child \(pid \d+\) was refused"):
        process.send_signal(200)


def test_stop_is_orderly_first_and_idempotent(keeper: Keeper, tmp_path: Path) -> None:
    process = keeper.spawn(python_spec(tmp_path, exits_on(signal.SIGINT, 5)))
    assert wait_for(lambda: "up" in process.log.read())
    assert process.stop(signum=signal.SIGINT) == 5
    assert process.stop() == 5


def test_stop_kills_what_does_not_listen(keeper: Keeper, tmp_path: Path) -> None:
    process = keeper.spawn(shell_spec(tmp_path, IGNORES_TERM))
    assert wait_for(lambda: "up" in process.log.read())
    assert process.stop(grace_s=0.1) == -signal.SIGKILL


def test_stop_wakes_a_stopped_process(keeper: Keeper, tmp_path: Path) -> None:
    """SIGSTOP is how a service is paused: its SIGTERM must not wait for the grace to pass."""
    process = keeper.spawn(shell_spec(tmp_path, "exec sleep 60"))
    process.send_signal(signal.SIGSTOP)
    assert process.stop(grace_s=60) == -signal.SIGTERM


def test_stop_leaves_nothing_of_the_session(keeper: Keeper, tmp_path: Path) -> None:
    process = keeper.spawn(shell_spec(tmp_path, "sleep 60 & echo $!; wait"))
    assert wait_for(lambda: process.log.read().endswith("\n"))
    left = int(process.log.read())
    assert running(left)
    process.stop()
    assert wait_for(lambda: not running(left))


def test_on_exit_hears_once_now_or_later_or_not_at_all(keeper: Keeper, tmp_path: Path) -> None:
    heard: list[int] = []
    unwanted: list[int] = []
    done = threading.Event()
    process = keeper.spawn(shell_spec(tmp_path, "exec sleep 60"))
    process.on_exit(heard.append)
    process.on_exit(unwanted.append)()
    process.on_exit(lambda _status: done.set())
    process.send_signal(signal.SIGKILL)
    assert done.wait(10)
    assert heard == [-signal.SIGKILL]
    process.on_exit(heard.append)
    assert heard == [-signal.SIGKILL] * 2
    assert unwanted == []


def test_a_callback_that_raises_is_shown_and_hinders_nobody(
    keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[BaseException | None] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: shown.append(args.exc_value))
    process = keeper.spawn(shell_spec(tmp_path, "exec sleep 60"))
    heard = threading.Event()

    def raising(status: int) -> None:
        raise ValueError(status)

    process.on_exit(raising)
    process.on_exit(lambda _status: heard.set())
    process.stop()
    assert heard.wait(10)
    assert [str(error) for error in shown] == ["-15"]
    assert keeper.spawn(shell_spec(tmp_path, "exit 0")).wait(10) == 0


def test_a_callback_that_asks_the_keeper_is_told_why_it_may_not(keeper: Keeper, tmp_path: Path) -> None:
    process = keeper.spawn(shell_spec(tmp_path, "exec sleep 60"))
    told: list[str] = []
    heard = threading.Event()

    def asking(_status: int) -> None:
        try:
            keeper.file_owner("same")
        except HarnessError as error:
            told.append(str(error))
        heard.set()

    process.on_exit(asking)
    process.stop()
    assert heard.wait(10)
    assert "wait for itself" in told[0]


def test_rules_need_a_watched_process(keeper: Keeper, tmp_path: Path) -> None:
    process = keeper.spawn(shell_spec(tmp_path, "exec sleep 60"))
    with pytest.raises(HarnessError, match="without watched calls"):
        process.set_rules([])
    assert process.syscall_events() == ()


def test_close_tells_statuses_and_gives_a_chosen_signal_first(tmp_path: Path) -> None:
    with Keeper.start() as keeper:
        plain = keeper.spawn(shell_spec(tmp_path, "exec sleep 60", name="plain"))
        tidy = keeper.spawn(
            dataclasses.replace(
                python_spec(tmp_path, exits_on(signal.SIGQUIT, 9), name="tidy"), teardown_signal=signal.SIGQUIT
            )
        )
        deaf = keeper.spawn(
            dataclasses.replace(python_spec(tmp_path, STUBBORN_TREE, name="deaf"), teardown_signal=signal.SIGTERM)
        )
        assert wait_for(lambda: tidy.log.read() and deaf.log.read())
        tidy.send_signal(signal.SIGSTOP)  # a paused one has to be woken to follow
    assert plain.poll() == -signal.SIGKILL
    assert tidy.poll() == 9
    assert deaf.poll() == -signal.SIGKILL
    keeper.close()
    with pytest.raises(HarnessError, match="it was closed"):
        keeper.spawn(shell_spec(tmp_path, "exit 0"))


def test_keepers_side_by_side_do_not_meet(keeper: Keeper, tmp_path: Path) -> None:
    with Keeper.start() as other:
        theirs = other.spawn(shell_spec(tmp_path, "exec sleep 60", name="theirs"))
        ours = keeper.spawn(shell_spec(tmp_path, "exec sleep 60", name="ours"))
    assert theirs.poll() == -signal.SIGKILL
    assert ours.poll() is None
    assert os.getsid(ours.pid) != os.getsid(0)


def test_a_process_that_a_stranger_stops_is_ended_and_its_log_says_why(keeper: Keeper, tmp_path: Path) -> None:
    process = keeper.spawn(shell_spec(tmp_path, "exec sleep 60"))
    os.kill(process.pid, signal.SIGSTOP)
    assert process.wait(10) == -signal.SIGKILL
    assert "was stopped by a signal (SIGSTOP) that the harness did not send" in process.log.read()


def test_a_process_stays_stopped_if_the_harness_stopped_it_or_anybody_may(keeper: Keeper, tmp_path: Path) -> None:
    paused = keeper.spawn(shell_spec(tmp_path, "exec sleep 60", name="paused"))
    free = keeper.spawn(dataclasses.replace(shell_spec(tmp_path, "exec sleep 60", name="free"), may_be_stopped=True))
    paused.send_signal(signal.SIGSTOP)
    os.kill(free.pid, signal.SIGSTOP)
    stranger = keeper.spawn(shell_spec(tmp_path, "exec sleep 60", name="stranger"))
    os.kill(stranger.pid, signal.SIGSTOP)
    stranger.wait(10)  # by now the keeper has looked at all of them
    assert [process.poll() for process in (paused, free)] == [None, None]
    paused.send_signal(signal.SIGCONT)
    os.kill(paused.pid, signal.SIGSTOP)
    assert paused.wait(10) == -signal.SIGKILL
