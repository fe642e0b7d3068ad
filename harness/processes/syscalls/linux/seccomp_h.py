"""Seccomp's user notification. Source: linux/seccomp.h; ioctl numbers composed as in asm-generic/ioctl.h."""

import struct

SECCOMP_SET_MODE_FILTER = 1
SECCOMP_GET_NOTIF_SIZES = 3

SECCOMP_FILTER_FLAG_SPEC_ALLOW = 1 << 2
SECCOMP_FILTER_FLAG_NEW_LISTENER = 1 << 3
SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 1 << 5  # Linux 5.19

SECCOMP_RET_USER_NOTIF = 0x7FC00000
SECCOMP_RET_ALLOW = 0x7FFF0000

SECCOMP_USER_NOTIF_FLAG_CONTINUE = 1 << 0

# struct seccomp_data: int nr; u32 arch; u64 instruction_pointer; u64 args[6]
SECCOMP_DATA_NR_OFFSET = 0
SECCOMP_DATA_ARCH_OFFSET = 4

SECCOMP_NOTIF_SIZES = struct.Struct("=HHH")  # seccomp_notif, seccomp_notif_resp, seccomp_data
SECCOMP_NOTIF = struct.Struct("=QII iIQ 6Q")  # id, pid, flags; nr, arch, instruction_pointer, args
SECCOMP_NOTIF_RESP = struct.Struct("=QqiI")  # id, val, error, flags

_WRITE, _READ = 1, 2


def _ioctl(direction: int, number: int, size: int) -> int:
    return direction << 30 | size << 16 | ord("!") << 8 | number


SECCOMP_IOCTL_NOTIF_RECV = _ioctl(_READ | _WRITE, 0, SECCOMP_NOTIF.size)
SECCOMP_IOCTL_NOTIF_SEND = _ioctl(_READ | _WRITE, 1, SECCOMP_NOTIF_RESP.size)
SECCOMP_IOCTL_NOTIF_ID_VALID = _ioctl(_WRITE, 2, 8)
