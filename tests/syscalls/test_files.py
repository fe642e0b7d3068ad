"""A child's fsync() or pwrite() gets the errno of a rule if file and process are the rule's, and nothing else does."""

from __future__ import annotations

import dataclasses
import errno
import json
import socket
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.processes.keeper import Keeper, KeptProcess
from harness.processes.keeper.inside import child
from harness.processes.keeper.messages import Spawn
from harness.processes.syscalls import FileCall, FileRule
from tests.keeper.support import python_spec

SYNCS = """
import json, os
def told(call, path):
    handle = os.open(path, os.O_CREAT | os.O_WRONLY)
    try:
        call(handle)
    except OSError as error:
        return error.errno
    return 0
def closed():
    try:
        os.fsync(999)
    except OSError as error:
        return error.errno
for folder in ("log", "tables"):
    os.mkdir(folder)
pid = os.fork()
if pid == 0:
    with open("/proc/self/comm", "w") as name:
        name.write("writer")
    os._exit(told(os.fsync, "log/3"))
by_the_child = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print(json.dumps([
    by_the_child, told(os.fsync, "log/1"), told(os.fdatasync, "log/2"), told(os.fdatasync, "log/1"),
    told(os.fsync, "tables/1"), closed(),
]))
"""


def synced(keeper: Keeper, folder: Path, *rules: FileRule) -> tuple[list[int], KeptProcess]:
    """What each call of the program gave."""
    return answers(keeper, folder, SYNCS, ("fsync", "fdatasync"), *rules)


def answers(
    keeper: Keeper, folder: Path, program: str, watched: tuple[FileCall, ...], *rules: FileRule
) -> tuple[list[int], KeptProcess]:
    """What a program says that its calls gave."""
    spec = python_spec(folder, program, name="calls")
    spec = dataclasses.replace(spec, watched_calls=frozenset(watched), rules=rules)
    process = keeper.spawn(spec)
    assert process.wait(30) == 0, process.log.read()
    return json.loads(process.log.read()), process


def rule(folder: Path, **changed: object) -> FileRule:
    made = FileRule(id="r", calls=("fsync", "fdatasync"), folder=str(folder.resolve()), errno=errno.EIO)
    return dataclasses.replace(made, **changed)  # type: ignore[arg-type]  # of a test's own words


def test_files_of_the_folder_fail_and_are_reported(keeper: Keeper, tmp_path: Path) -> None:
    told, process = synced(keeper, tmp_path, rule(tmp_path / "log"))

    assert told == [errno.EIO, errno.EIO, errno.EIO, errno.EIO, 0, errno.EBADF]
    seen = [(each.call, Path(each.path or "").name, each.answer) for each in process.syscall_events()]
    calls = (("fsync", "3"), ("fsync", "1"), ("fdatasync", "2"), ("fdatasync", "1"))
    assert seen == [(*call, errno.EIO) for call in calls]


def test_only_so_many_times_and_only_these_calls(keeper: Keeper, tmp_path: Path) -> None:
    told, process = synced(keeper, tmp_path, rule(tmp_path / "log", calls=("fdatasync",), errno=errno.ENOSPC, times=1))

    assert told == [0, 0, errno.ENOSPC, 0, 0, errno.EBADF]
    assert [(each.pid, each.rule_id) for each in process.syscall_events()] == [(process.pid, "r")]


def test_without_rules_nothing_is_reported(keeper: Keeper, tmp_path: Path) -> None:
    told, process = synced(keeper, tmp_path)

    assert told == [0, 0, 0, 0, 0, errno.EBADF]
    assert not process.syscall_events()


@pytest.mark.parametrize(("title", "expected"), [("postgres: ", 0), ("", errno.EIO)])
def test_only_processes_of_that_title(keeper: Keeper, tmp_path: Path, title: str, expected: int) -> None:
    told, _ = synced(keeper, tmp_path, rule(tmp_path / "log", title=title))

    assert told[1] == expected


def test_a_folder_is_no_beginning_of_a_name(keeper: Keeper, tmp_path: Path) -> None:
    told, _ = synced(keeper, tmp_path, rule(tmp_path / "lo"))

    assert told == [0, 0, 0, 0, 0, errno.EBADF]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"folder": "pg_wal"}, "file rule 'r': folder = 'pg_wal': not a whole path"),
        ({"errno": 0}, "errno = 0: not an error number"),
        ({"times": 0}, "times = 0: never applies"),
    ],
)
def test_a_rule_that_does_not_fit_is_told(changed: dict[str, object], expected: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        dataclasses.replace(rule(tmp_path), **changed)  # type: ignore[arg-type]  # as above
    assert expected in str(caught.value)


WRITES = """
import ctypes, json, os
libc = ctypes.CDLL(None, use_errno=True)  # os.pwritev calls pwritev2
data = ctypes.create_string_buffer(b"x")
piece = (ctypes.c_void_p * 2)(ctypes.addressof(data), 1)
offset = ctypes.c_long(0)
os.mkdir("log")
handle = os.open("log/1", os.O_CREAT | os.O_WRONLY)
told = []
for call, *arguments in (
    (libc.pwrite, data, ctypes.c_size_t(1), offset), (libc.pwritev, piece, 1, offset),
    (libc.fallocate, 0, offset, ctypes.c_long(3)),
):
    told += [ctypes.get_errno() if call(handle, *arguments) < 0 else 0]
print(json.dumps([*told, os.fstat(handle).st_size]))
"""


def test_writes_at_a_place_fail(keeper: Keeper, tmp_path: Path) -> None:
    """Nothing has been written, and the file has not become longer."""
    writes: tuple[FileCall, ...] = ("pwrite", "pwritev", "fallocate")
    told, process = answers(keeper, tmp_path, WRITES, writes, rule(tmp_path / "log", calls=writes, errno=errno.ENOSPC))

    assert told == [errno.ENOSPC, errno.ENOSPC, errno.ENOSPC, 0]
    assert [each.call for each in process.syscall_events()] == list(writes)


@pytest.mark.parametrize("may_be_unwatched", [True, False])
def test_a_machine_that_cannot_report_calls(monkeypatch: pytest.MonkeyPatch, may_be_unwatched: bool) -> None:
    """What may be unwatched starts all the same."""

    def refuse(_calls: object) -> int:
        raise OSError(errno.ENOSYS, "no notification")

    monkeypatch.setattr(child, "install_filter", refuse)
    order = Spawn(
        request=1, child=1, argv=("x",), env={}, cwd="/", log="/dev/null", as_user="same", watched_calls=("fsync",),
        rules=(), teardown_signal=9, may_be_unwatched=may_be_unwatched,
    )  # fmt: skip
    ours, theirs = socket.socketpair()
    with ours, theirs:
        if may_be_unwatched:
            child.watch(order, theirs)
        else:
            with pytest.raises(OSError, match="no notification"):
                child.watch(order, theirs)
