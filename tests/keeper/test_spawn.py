"""A child starts clean, is told apart when it cannot start, and its end is known."""

from __future__ import annotations

import dataclasses
import os
import signal
import stat
import threading
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.processes.keeper import Keeper, ProcessSpec
from tests.keeper.support import python_spec, shell_spec


@pytest.mark.parametrize(("script", "status"), [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", -15)])
def test_exit_status_is_that_of_subprocess(keeper: Keeper, tmp_path: Path, script: str, status: int) -> None:
    process = keeper.spawn(shell_spec(tmp_path, script))
    assert process.wait(10) == status
    assert process.poll() == status


def test_output_is_appended_to_the_log_and_marks_cut_it(keeper: Keeper, tmp_path: Path) -> None:
    first = keeper.spawn(shell_spec(tmp_path, "echo one; echo two >&2"))
    first.wait(10)
    mark = first.log.size()
    keeper.spawn(shell_spec(tmp_path, r"printf 'three\377\nfour\n'")).wait(10)
    assert first.log.read() == "one\ntwo\nthree\ufffd\nfour\n"
    assert first.log.read(mark) == "three\ufffd\nfour\n"
    assert first.log.tail(1) == "four"
    assert first.log.tail(0) == ""


def test_child_starts_clean(keeper: Keeper, tmp_path: Path) -> None:
    code = """
import os, signal, sys
print(sorted(int(fd) for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")))
print(sys.stdin.read() == "", os.getsid(0) == os.getpid(), os.getcwd())
print(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
print(sorted(os.environ.items()))
"""
    spec = dataclasses.replace(python_spec(tmp_path, code), env={"ONLY": "line\nand \udcff", "_": "x"})
    process = keeper.spawn(spec)
    assert process.wait(10) == 0, process.log.read()
    descriptors, situation, mask, environment = process.log.read().splitlines()
    assert descriptors == "[0, 1, 2]"
    assert situation == f"True True {tmp_path}"
    assert mask == "set()"
    assert "'ONLY', 'line\\nand \\udcff'" in environment
    assert "HOME" not in environment


def test_no_signal_is_ignored(keeper: Keeper, tmp_path: Path) -> None:
    """Python ignores it, and what is ignored would be inherited by a server that is not Python."""
    process = keeper.spawn(shell_spec(tmp_path, "grep SigIgn /proc/self/status"))
    assert process.wait(10) == 0
    name, ignored = process.log.read().split()
    # Those that are libc's own are left out: its posix_spawn has what it starts ignore them, and nobody can set them.
    assert (name, [each for each in signal.valid_signals() if int(ignored, 16) >> (each - 1) & 1]) == ("SigIgn:", [])


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("no-such-program",), ["cannot run 'no-such-program'", "(ENOENT)", "not on PATH=/usr/bin:/bin"]),
        (("/nowhere/at/all",), ["cannot run '/nowhere/at/all'", "(ENOENT)", "check the path"]),
        (("./plain",), ["cannot run './plain'", "(EACCES)", "chmod +x"]),
        (("./garbage",), ["cannot run './garbage'", "(ENOEXEC)", "`#!`"]),
        (("./orphan",), ["cannot run './orphan'", "(ENOENT)", "its interpreter"]),
        (("sh", "x" * 3_000_000), ["cannot run 'sh'", "(E2BIG)", "too long"]),
    ],
)
def test_exec_failure_names_program_errno_and_mend(
    keeper: Keeper, tmp_path: Path, argv: tuple[str, ...], expected: list[str]
) -> None:
    (tmp_path / "plain").write_text("#!/bin/sh\n")
    for name, text in {"garbage": "\0\1\2\3", "orphan": "#!/nowhere/interpreter\n"}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    spec = ProcessSpec(name="service", argv=argv, env={"PATH": "/usr/bin:/bin"}, cwd=tmp_path, log=tmp_path / "log")
    with pytest.raises(HarnessError) as caught:
        keeper.spawn(spec)
    for part in ["service: ", "mend: ", *expected]:
        assert part in str(caught.value)


def test_missing_folder_and_unwritable_log_are_told(keeper: Keeper, tmp_path: Path) -> None:
    spec = shell_spec(tmp_path, "exit 0")
    with pytest.raises(HarnessError, match=r"cannot run in '.*nowhere'.*\(ENOENT\)"):
        keeper.spawn(dataclasses.replace(spec, cwd=tmp_path / "nowhere"))
    with pytest.raises(HarnessError, match=r"cannot write its log '.*nowhere/log'.*\(ENOENT\)"):
        keeper.spawn(dataclasses.replace(spec, log=tmp_path / "nowhere" / "log"))


def test_a_failed_start_leaves_the_keeper_at_work(keeper: Keeper, tmp_path: Path) -> None:
    with pytest.raises(HarnessError):
        keeper.spawn(dataclasses.replace(shell_spec(tmp_path, ""), argv=("no-such-program",)))
    assert keeper.spawn(shell_spec(tmp_path, "exit 3")).wait(10) == 3


def test_mapped_child_is_an_ordinary_user_whose_files_are_ours(keeper: Keeper, tmp_path: Path) -> None:
    script = "id -u; id -un; touch made; grep NoNewPrivs /proc/self/status"
    process = keeper.spawn(dataclasses.replace(shell_spec(tmp_path, script), as_user="mapped"))
    assert process.wait(10) == 0, process.log.read()
    uid, name, *_ = process.log.read().splitlines()
    assert uid != "0"
    assert name
    made = (tmp_path / "made").stat()
    assert (made.st_uid, made.st_gid) == keeper.file_owner("mapped")
    assert keeper.file_owner("same") == (os.geteuid(), os.getegid())
    assert stat.S_IMODE((tmp_path / "child.log").stat().st_mode) & 0o077 == 0


def test_spawning_from_many_threads(keeper: Keeper, tmp_path: Path) -> None:
    statuses: dict[int, int] = {}

    def run(number: int) -> None:
        spec = shell_spec(tmp_path, f"exit {number}", name=f"child{number}")
        statuses[number] = keeper.spawn(spec).wait(20)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == {number: number for number in range(12)}


def test_parent_death_signal_is_set(keeper: Keeper, tmp_path: Path) -> None:
    """Whatever the user, the kernel kills a direct child with the keeper."""
    code = "import ctypes; n = ctypes.c_int(); ctypes.CDLL(None).prctl(2, ctypes.byref(n)); print(n.value)"
    for as_user in ("same", "mapped"):
        spec = dataclasses.replace(python_spec(tmp_path, code, name=as_user), as_user=as_user)
        spec = dataclasses.replace(spec, argv=("/usr/bin/env", *spec.argv))
        process = keeper.spawn(spec)
        assert process.wait(10) == 0, process.log.read()
        assert process.log.read().strip() == str(int(signal.SIGKILL))
