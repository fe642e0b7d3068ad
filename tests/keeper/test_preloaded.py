"""What a preloaded Python forks is what the keeper would have spawned, but for the time that it takes."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.processes.keeper import Keeper, PreloadedPython, PreloadSpec, ProcessSpec
from harness.processes.syscalls import ConnectRule, notification_available
from tests.keeper.support import running, wait_for

LIBRARY = "colorsys"  # nothing else imports it
ENV = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}

SITUATION = f"""
import json, os, signal, sys
LOADED = {LIBRARY!r} in sys.modules
import {LIBRARY}
print(json.dumps({{
    "loaded": LOADED,
    "name": __name__, "file": os.path.abspath(__file__), "argv": sys.argv, "path": sys.path, "flags": str(sys.flags),
    "env": dict(os.environ), "cwd": os.getcwd(), "stdin": sys.stdin.read(),
    "parent": os.getppid(), "leads": os.getsid(0) == os.getpid(),
    "descriptors": sorted(int(fd) for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{{fd}}")),
    "mask": [int(signum) for signum in signal.pthread_sigmask(signal.SIG_BLOCK, ())],
    "ignored": [int(s) for s in signal.valid_signals() if signal.getsignal(s) == signal.SIG_IGN],
    "interrupt": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
    "harness": sorted(name for name in sys.modules if name.partition(".")[0] == "harness"),
    "is_main": sys.modules["__main__"].__dict__ is globals(),
}}))
"""

CONNECTING = """
import socket, sys
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1]))).close()
except OSError as error:
    sys.exit(error.errno)
"""


LAST_WORDS = """
class Leaver:
    def __del__(self):
        print("last words")

leaver = Leaver()
leaver.me = leaver
"""
"""Nothing but the collector of garbage finds it."""


def program(folder: Path, code: str, *, as_module: bool = False) -> tuple[str, ...]:
    """Write a program; return how Python is told to run it."""
    (folder / "program.py").write_text(code, "utf-8")
    return (sys.executable, "-m", "program") if as_module else (sys.executable, "program.py")


def spec_of(
    folder: Path, argv: tuple[str, ...], *, env: Mapping[str, str] | None = None, log: str = "child.log"
) -> ProcessSpec:
    return ProcessSpec(name="child", argv=argv, env={**ENV, **(env or {})}, cwd=folder, log=folder / log)


def preload(
    keeper: Keeper, folder: Path, argv: tuple[str, ...], *modules: str, own: tuple[str, ...] = ()
) -> PreloadedPython:
    spec = PreloadSpec(program=argv, modules=modules, own=own, env=ENV, cwd=folder, log=folder / "preloaded.log")
    return keeper.preload(spec)


def situation(starts: Keeper | PreloadedPython, spec: ProcessSpec) -> dict[str, object]:
    """Run SITUATION to its end; return what it saw."""
    process = starts.spawn(spec)
    assert process.wait(15) == 0, process.log.read()
    seen: dict[str, object] = json.loads(process.log.read())
    return seen


@pytest.mark.parametrize("as_module", [True, False])
def test_a_fork_finds_what_a_spawned_process_finds(keeper: Keeper, tmp_path: Path, as_module: bool) -> None:
    argv = program(tmp_path, SITUATION, as_module=as_module)
    preloaded = preload(keeper, tmp_path, argv, LIBRARY)
    env = {"ONLY": "line\nand more", "_": "x"}
    spawned, forked = (
        situation(starts, spec_of(tmp_path, (*argv, "one", "-m"), env=env, log=f"{type(starts).__name__}.log"))
        for starts in (keeper, preloaded)
    )
    assert (spawned.pop("loaded"), forked.pop("loaded")) == (False, True)
    assert forked == spawned
    assert forked["parent"] == keeper.pid
    assert forked["harness"] == []


@pytest.mark.parametrize("setting", [{"PYTHONDEVMODE": "1"}, {"LC_ALL": "C"}, {"TZ": "UTC"}])
def test_what_an_interpreter_reads_at_its_start_makes_it_a_spawned_one(
    keeper: Keeper, tmp_path: Path, setting: Mapping[str, str]
) -> None:
    argv = program(tmp_path, SITUATION)
    preloaded = preload(keeper, tmp_path, argv, LIBRARY)
    assert situation(preloaded, spec_of(tmp_path, argv, env=setting))["loaded"] is False


def test_a_program_that_is_not_preloaded_is_spawned(keeper: Keeper, tmp_path: Path) -> None:
    preloaded = preload(keeper, tmp_path, program(tmp_path, SITUATION), LIBRARY)
    assert preloaded.spawn(spec_of(tmp_path, ("sh", "-c", "exit 3"))).wait(10) == 3


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("", 0, ""),
        ("import sys; sys.exit(7)", 7, ""),
        ("raise SystemExit('no, thank you')", 1, "no, thank you"),
        ("1 / 0", 1, "ZeroDivisionError"),
        ("import atexit; atexit.register(print, 'at the end')", 0, "at the end"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, ""),
        ("import threading; threading.Thread(target=lambda: print('awaited')).start()", 0, "awaited"),
        ("import sys; sys.exit(300)", 300 % 256, ""),
        ("import sys; sys.stdout.close()", 0, ""),
        ("import sys; sys.stdout = None", 0, ""),
        (LAST_WORDS, 0, "last words"),
    ],
)
def test_it_ends_as_any_python_does(keeper: Keeper, tmp_path: Path, code: str, status: int, said: str) -> None:
    argv = program(tmp_path, code)
    process = preload(keeper, tmp_path, argv).spawn(spec_of(tmp_path, argv))
    assert process.wait(15) == status
    assert said in process.log.read()


def test_a_module_of_the_services_own_is_as_it_is_now(keeper: Keeper, tmp_path: Path) -> None:
    """And what it has imported is there: that is what it is preloaded for."""
    shared = tmp_path / "shared.py"
    shared.write_text(f"import {LIBRARY}\nSTATUS = 0\n", "utf-8")
    argv = program(tmp_path, f"import shared, sys\nsys.exit(shared.STATUS + ({LIBRARY!r} not in sys.modules))\n")
    preloaded = preload(keeper, tmp_path, argv, "shared")
    assert preloaded.spawn(spec_of(tmp_path, argv)).wait(15) == 0
    shared.write_text("STATUS = 40  # longer than before\n", "utf-8")
    assert preloaded.spawn(spec_of(tmp_path, argv)).wait(15) == 40
    shared.unlink()
    gone = preloaded.spawn(spec_of(tmp_path, argv))
    assert gone.wait(15) == 1
    assert "No module named 'shared'" in gone.log.read()


def test_a_module_that_is_kept_is_imported_once_until_one_of_them_changes(keeper: Keeper, tmp_path: Path) -> None:
    """Also one that it has imported: who has changed, and who uses it, are imported again together."""
    told = tmp_path / "imported"
    used, kept = tmp_path / "used.py", tmp_path / "kept.py"
    used.write_text(f"open({str(told)!r}, 'a').write('used ')\nSTATUS = 3\n", "utf-8")
    kept.write_text(f"import used\nopen({str(told)!r}, 'a').write('kept ')\nSTATUS = used.STATUS\n", "utf-8")
    long_ago(used, kept)
    argv = program(tmp_path, "import kept, sys\nsys.exit(kept.STATUS)\n")
    preloaded = preload(keeper, tmp_path, argv, "json", own=("kept",))
    assert [preloaded.spawn(spec_of(tmp_path, argv)).wait(15) for _ in range(2)] == [3, 3]
    assert told.read_text("utf-8") == "used kept "
    used.write_text("STATUS = 40\n", "utf-8")
    assert [preloaded.spawn(spec_of(tmp_path, argv)).wait(15) for _ in range(2)] == [40, 40]
    assert told.read_text("utf-8") == "used kept kept kept "
    used.unlink()
    gone = preloaded.spawn(spec_of(tmp_path, argv))
    assert gone.wait(15) == 1
    assert "No module named 'used'" in gone.log.read()


def test_a_module_that_changes_while_it_is_preloaded_is_not_kept(keeper: Keeper, tmp_path: Path) -> None:
    """Which of the two was read, nobody knows."""
    told, kept = tmp_path / "imported", tmp_path / "kept.py"
    kept.write_text(f"import os\nopen({str(told)!r}, 'a').write('kept ')\nos.utime(__file__)\n", "utf-8")
    long_ago(kept)
    argv = program(tmp_path, "import kept\n")
    preloaded = preload(keeper, tmp_path, argv, own=("kept",))
    assert preloaded.spawn(spec_of(tmp_path, argv)).wait(15) == 0
    assert told.read_text("utf-8") == "kept kept "


def long_ago(*files: Path) -> None:
    for file in files:
        os.utime(file, (0, 0))


def test_its_end_and_its_signals_are_the_keepers(keeper: Keeper, tmp_path: Path) -> None:
    argv = program(tmp_path, "import signal\nprint('up', flush=True)\nsignal.pause()")
    preloaded = preload(keeper, tmp_path, argv)
    process = preloaded.spawn(spec_of(tmp_path, argv))
    assert wait_for(lambda: process.log.read() == "up\n")
    ended: list[int] = []
    process.on_exit(ended.append)
    assert process.stop(grace_s=10) == -signal.SIGTERM
    assert wait_for(lambda: ended) == [-signal.SIGTERM]  # told by another thread, perhaps after `stop` has returned
    assert preloaded.process.poll() is None


def test_its_calls_are_watched_and_answered(keeper: Keeper, tmp_path: Path) -> None:
    can = notification_available()
    if not can.available:
        pytest.skip(can.detail)
    argv = program(tmp_path, CONNECTING)
    preloaded = preload(keeper, tmp_path, argv, "socket")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        spec = dataclasses.replace(spec_of(tmp_path, (*argv, str(port))), watched_calls=frozenset({"connect"}))
        assert preloaded.spawn(spec).wait(15) == 0
        rule = ConnectRule(id="no", host=None, port=port, errno=errno.EINVAL)
        refused = preloaded.spawn(dataclasses.replace(spec, rules=(rule,)))
        assert refused.wait(15) == errno.EINVAL
    assert [event.answer for event in refused.syscall_events()] == [errno.EINVAL]


def test_many_at_once(keeper: Keeper, tmp_path: Path) -> None:
    argv = program(tmp_path, "import sys; print(sys.argv[1])")
    preloaded = preload(keeper, tmp_path, argv, "asyncio")

    def one(number: int) -> tuple[int, str]:
        process = preloaded.spawn(spec_of(tmp_path, (*argv, str(number)), log=f"{number}.log"))
        return process.wait(30), process.log.read()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(24))) == [(0, f"{number}\n") for number in range(24)]


def test_steps_that_fail_are_told_as_a_spawned_ones(keeper: Keeper, tmp_path: Path) -> None:
    argv = program(tmp_path, "")
    preloaded = preload(keeper, tmp_path, argv)
    no_log = dataclasses.replace(spec_of(tmp_path, argv), log=Path("/nowhere/log"))
    with pytest.raises(HarnessError, match="cannot write its log '/nowhere/log'"):
        preloaded.spawn(no_log)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    spec = dataclasses.replace(preloaded.spec, cwd=elsewhere)
    moved = keeper.preload(spec)
    elsewhere.rmdir()
    with pytest.raises(HarnessError, match="cannot run in"):
        moved.spawn(dataclasses.replace(spec_of(tmp_path, argv), cwd=elsewhere))


def test_a_library_that_is_not_there_is_named(keeper: Keeper, tmp_path: Path) -> None:
    argv = program(tmp_path, "")
    with pytest.raises(HarnessError, match="No module named 'no_such_library'") as raised:
        preload(keeper, tmp_path, argv, "no_such_library").spawn(spec_of(tmp_path, argv))
    assert "`preload`" in str(raised.value.hint)


def test_a_library_that_starts_a_thread_is_refused(keeper: Keeper, tmp_path: Path) -> None:
    (tmp_path / "threaded.py").write_text(
        "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n", "utf-8"
    )
    argv = program(tmp_path, "")
    with pytest.raises(HarnessError, match="threaded starts a thread when it is imported"):
        preload(keeper, tmp_path, argv, "threaded").spawn(spec_of(tmp_path, argv))


def test_the_forked_outlive_the_one_that_forked_them(keeper: Keeper, tmp_path: Path) -> None:
    argv = program(tmp_path, "import signal\nsignal.pause()")
    preloaded = preload(keeper, tmp_path, argv)
    process = preloaded.spawn(spec_of(tmp_path, argv))
    preloaded.process.stop(signum=signal.SIGKILL)
    assert process.poll() is None
    assert process.stop() == -signal.SIGTERM


def test_it_dies_with_the_keeper(keeper: Keeper, tmp_path: Path) -> None:
    argv = program(tmp_path, "import signal\nsignal.pause()")
    preloaded = preload(keeper, tmp_path, argv)
    process = preloaded.spawn(spec_of(tmp_path, argv))
    os.kill(keeper.pid, signal.SIGKILL)
    assert wait_for(lambda: not keeper.alive)  # else its end would be news to the fixture
    assert wait_for(lambda: not running(process.pid) and not running(preloaded.process.pid))


def test_a_preloading_process_that_was_killed_or_stopped_is_replaced(keeper: Keeper, tmp_path: Path) -> None:
    argv = program(tmp_path, "raise SystemExit(3)")
    preloaded = preload(keeper, tmp_path, argv, "json")
    for signum in (signal.SIGKILL, signal.SIGSTOP):
        assert preloaded.spawn(spec_of(tmp_path, argv)).wait(15) == 3
        os.kill(preloaded.process.pid, signum)
        preloaded.process.wait(10)
    assert preloaded.spawn(spec_of(tmp_path, argv)).wait(15) == 3
