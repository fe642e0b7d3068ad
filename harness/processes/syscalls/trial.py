"""The trial behind `notification_available`: it answers one connect() of a child and lets another pass.

It runs as a separate process, because it forks. It prints one line of JSON.
"""

from __future__ import annotations

import errno
import json
import os
import select
import socket
import sys
import time
from collections.abc import Sequence

from harness.capability import Capability
from harness.processes.syscalls.install import install_filter
from harness.processes.syscalls.libc import prctl
from harness.processes.syscalls.linux.prctl_h import PR_SET_PDEATHSIG
from harness.processes.syscalls.rules import ConnectRule
from harness.processes.syscalls.supervisor import Supervisor

NAME = "seccomp notification"
DEADLINE_S = 10.0
RULE = ConnectRule(id="trial", host="127.0.0.1", port=1, errno=errno.EXDEV)  # no connect() gives EXDEV by itself
EXPECTED = [errno.EXDEV, errno.ENOENT]


def main(_arguments: Sequence[str]) -> int:
    """Try, and print the result."""
    found = _try()
    sys.stdout.write(json.dumps({"available": found.available, "detail": found.detail, "mend": found.mend}) + "\n")
    return 0


def _try() -> Capability:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        _be_watched(theirs)
    theirs.close()
    ours.settimeout(DEADLINE_S)
    try:
        data, descriptors, _, _ = socket.recv_fds(ours, 4096, 1)
        if not descriptors:
            return _refused(json.loads(data))
        return _judge(_answer(descriptors[0], ours))
    finally:
        os.waitpid(pid, 0)


def _be_watched(reports: socket.socket) -> None:
    """The child: install the filter, hand over the listener, call connect() twice, report the errnos."""
    try:
        prctl(PR_SET_PDEATHSIG, 9)
        try:
            listener = install_filter(["connect"])
        except OSError as error:
            reports.send(json.dumps([error.errno, str(error)]).encode())
            return
        socket.send_fds(reports, [b"listener"], [listener])
        os.close(listener)
        with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as unix:
            told = [tcp.connect_ex(("127.0.0.1", RULE.port)), unix.connect_ex("/proc/nowhere")]
        reports.send(json.dumps(told).encode())
    finally:
        os._exit(0)


def _answer(descriptor: int, reports: socket.socket) -> list[int]:
    """Supervise until the child has reported its errnos; none if it never does."""
    supervisor = Supervisor(descriptor, [RULE])
    limit = time.monotonic() + DEADLINE_S
    try:
        while time.monotonic() < limit:
            ready, _, _ = select.select([descriptor, reports.fileno()], [], [], DEADLINE_S)
            if reports.fileno() in ready:
                told: list[int] = json.loads(reports.recv(4096) or b"[]")
                return told
            supervisor.answer_one()
        return []
    finally:
        supervisor.close()


def _judge(errnos: list[int]) -> Capability:
    if errnos == EXPECTED:
        return Capability(NAME, available=True, detail="a child's connect() was answered, another let through")
    names = ", ".join(errno.errorcode.get(number, str(number)) for number in errnos)
    detail = f"a child's connect() to 127.0.0.1:1 should give EXDEV, one to a missing socket ENOENT; got: {names}"
    mend = (
        "allow reading a child's memory: sysctl kernel.yama.ptrace_scope=1 (or 0); in a container --cap-add SYS_PTRACE"
    )
    return Capability(NAME, available=False, detail=detail, mend=mend)


def _refused(told: tuple[int, str]) -> Capability:
    number, text = told
    mends = {
        errno.EBUSY: "this process is itself supervised in that way (a container's runtime): run outside of it",
        errno.EINVAL: "use Linux 5.5 or later with CONFIG_SECCOMP_FILTER",
        errno.ENOSYS: "use Linux 5.5 or later with CONFIG_SECCOMP_FILTER, on x86_64 or aarch64",
    }
    mend = mends.get(number, "permit seccomp(2) here: a container's own seccomp profile may forbid it")
    return Capability(NAME, available=False, detail=f"the filter was refused: {text}", mend=mend)
