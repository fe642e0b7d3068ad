"""The probes say yes here, and no, with a mend, where the kernel refuses."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.capability import Capability
from harness.processes.keeper import user_namespaces_available
from harness.processes.syscalls import notification_available
from tests.keeper.support import ROOT, open_harness

NOBODY = 65534

# Refuses one system call with EPERM from here on, in this process and all it starts.
DENY = """
import ctypes
from harness.processes.syscalls.libc import prctl, _LIBC
from harness.processes.syscalls.linux.filter_h import *
from harness.processes.syscalls.linux.seccomp_h import SECCOMP_DATA_NR_OFFSET, SECCOMP_RET_ALLOW
code = b"".join(SOCK_FILTER.pack(*line) for line in [
    (BPF_LD_W_ABS, 0, 0, SECCOMP_DATA_NR_OFFSET),
    (BPF_JMP_JEQ_K, 0, 1, int(sys.argv[1])),
    (BPF_RET_K, 0, 0, 0x00050000 | 1),
    (BPF_RET_K, 0, 0, SECCOMP_RET_ALLOW),
])
lines = ctypes.create_string_buffer(code, len(code))
program = SOCK_FPROG.pack(len(code) // SOCK_FILTER.size, ctypes.addressof(lines))
prctl(38, 1)
assert _LIBC.prctl(22, 2, ctypes.c_char_p(program), 0, 0) == 0
"""

PROBE = """
import dataclasses, json
from harness.processes.keeper import user_namespaces_available
from harness.processes.syscalls import notification_available
from tests.keeper.support import ROOT, open_harness
print(json.dumps([dataclasses.asdict(probe()) for probe in (notification_available, user_namespaces_available)]))
"""

MAPPED = """
import os
from pathlib import Path
from harness.processes.keeper import Keeper, ProcessSpec
folder = Path(sys.argv[2])
with Keeper.start() as keeper:
    process = keeper.spawn(ProcessSpec(name="who", argv=("id", "-u"), env={"PATH": os.environ["PATH"]}, cwd=folder,
        log=folder / "log", as_user="mapped"))
    process.wait(20)
    print(process.log.read().strip(), *keeper.file_owner("mapped"))
"""

NUMBERS = {"x86_64": {"seccomp": 317, "unshare": 272}, "aarch64": {"seccomp": 277, "unshare": 97}}[os.uname().machine]


def run(
    program: str, *arguments: str, prefix: tuple[str, ...] = (), python: str = sys.executable, root: Path = ROOT
) -> str:
    command = [*prefix, python, "-c", open_harness(root) + program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd="/")
    assert done.returncode == 0, done.stderr
    return done.stdout


def probe(program: str, *arguments: str) -> list[Capability]:
    return [Capability(**found) for found in json.loads(run(program, *arguments))]


def test_this_machine_can() -> None:
    """What the tests here need; a machine that cannot fails here, with the mend in the message."""
    for found in (notification_available(), user_namespaces_available()):
        assert found.available, found
        assert found.mend == ""


def test_refused_filter_is_told() -> None:
    notification, namespaces = probe(DENY + PROBE, str(NUMBERS["seccomp"]))
    assert not notification.available
    assert "the filter was refused" in notification.detail
    assert "Operation not permitted" in notification.detail
    assert "seccomp" in notification.mend
    assert namespaces.available


def test_refused_namespaces_are_told() -> None:
    notification, namespaces = probe(DENY + PROBE, str(NUMBERS["unshare"]))
    assert notification.available
    assert not namespaces.available
    assert "EPERM" in namespaces.detail
    assert "sysctl" in namespaces.mend


def test_a_probe_that_cannot_start_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    for found in (notification_available(), user_namespaces_available()):
        assert not found.available
        assert "/nowhere/python" in found.detail
        assert found.mend


def test_mapped_where_namespaces_are_closed(tmp_path: Path) -> None:
    """Root becomes nobody, and another user, who is no root, stays."""
    expected = (NOBODY, NOBODY) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    uid, *owner = run(DENY + MAPPED, str(NUMBERS["unshare"]), str(tmp_path)).split()
    assert int(uid) == expected[0]
    assert tuple(map(int, owner)) == expected


# ------------------------------------------------------------- without root

UNPRIVILEGED = """
import errno, os, socket
from pathlib import Path
from harness.processes.keeper import Keeper, ProcessSpec
from harness.processes.syscalls import ConnectRule
code = 'import socket, sys; print(socket.socket().connect_ex(("127.0.0.1", int(sys.argv[1]))))'
folder = Path(sys.argv[1])
with socket.create_server(("127.0.0.1", 0)) as server, Keeper.start() as keeper:
    port = server.getsockname()[1]
    for as_user in ("same", "mapped"):
        process = keeper.spawn(ProcessSpec(
            name="child", argv=(sys.executable, "-c", code, str(port)), env={}, cwd=folder, log=folder / as_user,
            as_user=as_user, watched_calls=frozenset({"connect"}),
            rules=(ConnectRule(id="r", host=None, port=port, errno=errno.EINVAL),)))
        process.wait(20)
        print(os.geteuid(), as_user, process.log.read().strip())
"""

DISK = """
import os, time
from pathlib import Path
from harness.processes.keeper import Keeper, ProcessSpec
from harness.processes.small_disk import READY, small_disk_command
folder = Path(sys.argv[1])
def spec(name, place, as_user, *argv):
    return ProcessSpec(name=name, argv=argv, env={"PATH": os.defpath}, cwd=place, log=place / name, as_user=as_user)
with Keeper.start() as keeper:
    for as_user in ("same", "mapped"):
        place = folder / as_user
        (place / "mounted").mkdir(parents=True)
        server = keeper.spawn(spec("server", place, as_user, sys.executable, "-c", "import signal; signal.pause()"))
        command = small_disk_command(server.pid, place / "mounted", 1 << 20)
        disk = keeper.spawn(spec("disk", place, "same", *command))
        while READY not in disk.log.read() and disk.poll() is None:
            time.sleep(0.01)
        mounted = f"/proc/{disk.pid}/root{place}/mounted"
        Path(mounted, "file").touch()
        seen = keeper.spawn(spec("seen", place, "same", "ls", mounted))
        seen.wait(20)
        print(as_user, os.statvfs(mounted).f_blocks, seen.log.read().strip(), disk.log.read().strip())
"""


@pytest.fixture
def open_copy() -> Iterator[Path]:
    """A copy of the harness and a folder that any user may enter."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copytree(ROOT / "harness", folder / "harness", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "writable").mkdir()
        (folder / "writable").chmod(0o777 | stat.S_ISVTX)
        yield folder


def python_for(prefix: tuple[str, ...]) -> str:
    """A Python that the user may run: this one may be in a folder of root's own."""
    for python in (sys.executable, "/usr/bin/python3"):
        # By itself again: the first start may still have had root's way through the folders.
        check = "import sys; sys.exit(sys.version_info < (3, 11))"
        check = f"import os, sys; os.execv(sys.executable, [sys.executable, '-c', {check!r}])"
        done = subprocess.run([*prefix, python, "-c", check], check=False, capture_output=True)
        if done.returncode == 0:
            return python
    pytest.skip("no Python 3.11 that another user may run")


def test_an_unprivileged_user_can_do_it_all(open_copy: Path) -> None:
    user = NOBODY if os.geteuid() == 0 else os.geteuid()
    prefix = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups") if os.geteuid() == 0 else ()
    python = python_for(prefix)
    said = run(UNPRIVILEGED, str(open_copy / "writable"), prefix=prefix, python=python, root=open_copy)
    assert said.splitlines() == [f"{user} same 22", f"{user} mapped 22"]


def test_an_unprivileged_user_has_small_disks(open_copy: Path) -> None:
    prefix = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups") if os.geteuid() == 0 else ()
    said = run(DISK, str(open_copy / "writable"), prefix=prefix, python=python_for(prefix), root=open_copy)
    assert said.splitlines() == [f"{user} 256 file the small disk is mounted" for user in ("same", "mapped")]


def test_capability_is_a_value() -> None:
    found = Capability("name", available=False, detail="d", mend="m")
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.available = True  # type: ignore[misc]  # the very thing that must not work
