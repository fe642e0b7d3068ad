"""The child's part: a filter that reports chosen calls, installed just before exec."""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Sequence

from harness.processes.syscalls.architecture import this_architecture
from harness.processes.syscalls.libc import prctl, syscall
from harness.processes.syscalls.linux import seccomp_h as seccomp
from harness.processes.syscalls.linux.filter_h import BPF_JMP_JEQ_K, BPF_LD_W_ABS, BPF_RET_K, SOCK_FILTER, SOCK_FPROG
from harness.processes.syscalls.linux.prctl_h import PR_SET_NO_NEW_PRIVS
from harness.processes.syscalls.linux.unistd_h import Architecture


def install_filter(calls: Sequence[str]) -> int:
    """Report `calls` of this process and its descendants; return the listener (close-on-exec).

    `sendmsg` must not be among them, because it hands over the listener. Raises `OSError`.
    """
    machine = this_architecture()
    filter_code = program(machine, calls)
    code = ctypes.create_string_buffer(filter_code, len(filter_code))
    header = SOCK_FPROG.pack(len(filter_code) // SOCK_FILTER.size, ctypes.addressof(code))
    prog = ctypes.create_string_buffer(header, len(header))
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    # SPEC_ALLOW: a process that is only watched need not pay for a sandbox's mitigations.
    flags = seccomp.SECCOMP_FILTER_FLAG_NEW_LISTENER | seccomp.SECCOMP_FILTER_FLAG_SPEC_ALLOW
    try:
        # WAIT_KILLABLE_RECV: a signal does not take a call back that is being answered.
        patient = flags | seccomp.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
        return _set_filter(machine, patient, ctypes.addressof(prog))
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    return _set_filter(machine, flags, ctypes.addressof(prog))


def program(machine: Architecture, calls: Sequence[str]) -> bytes:
    """Return the filter. Calls of another architecture and calls that are not named pass."""
    numbers = [machine.watched[call] for call in calls if call in machine.watched]
    last = len(numbers)
    lines = [
        (BPF_LD_W_ABS, 0, 0, seccomp.SECCOMP_DATA_ARCH_OFFSET),
        (BPF_JMP_JEQ_K, 0, last + 1, machine.audit_arch),
        (BPF_LD_W_ABS, 0, 0, seccomp.SECCOMP_DATA_NR_OFFSET),
        *((BPF_JMP_JEQ_K, last - at, 0, number) for at, number in enumerate(numbers)),
        (BPF_RET_K, 0, 0, seccomp.SECCOMP_RET_ALLOW),
        (BPF_RET_K, 0, 0, seccomp.SECCOMP_RET_USER_NOTIF),
    ]
    return b"".join(SOCK_FILTER.pack(*line) for line in lines)


def _set_filter(machine: Architecture, flags: int, prog: int) -> int:
    return syscall(machine.seccomp, seccomp.SECCOMP_SET_MODE_FILTER, flags, prog)
