"""Machine code that replaces the vDSO's clocks: it asks the kernel, and adds a number of seconds.

The vDSO's own code reads the time from a page that the kernel keeps up to date, without a system call: so seccomp, and
strace, never see it. Its symbols are in `vdso(7)`; the calls' numbers in arch/x86/entry/syscalls/syscall_64.tbl. Each
piece keeps the registers that a callee must keep by the System V ABI.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

RET: Final = b"\xc3"


@dataclass(frozen=True, slots=True)
class Piece:
    """Code before and after the number that it adds: eight bytes, little endian."""

    before: bytes
    after: bytes

    def filled(self, seconds: int) -> bytes:
        """The whole code, for this many seconds; negative: back."""
        return self.before + struct.pack("<q", seconds) + self.after

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.before) + 8 + len(self.after)


def _call(number: int) -> bytes:
    return b"\xb8" + struct.pack("<I", number) + b"\x0f\x05"  # mov eax, number; syscall


_ADD_TO_SI: Final = b"\x48\x01\x0e" + RET  # add [rsi], rcx; ret
_ADD_TO_DI: Final = b"\x48\x01\x0f" + RET  # add [rdi], rcx; ret
_MOV_CX: Final = b"\x48\xb9"  # mov rcx, imm64

X86_64: Final[Mapping[str, Piece]] = {
    "__vdso_clock_gettime": Piece(
        _call(228)
        + b"\x85\xc0\x75\x16"  # test eax, eax; jne ret
        + b"\x85\xff\x74\x05"  # test edi, edi; je to the addition: CLOCK_REALTIME
        + b"\x83\xff\x05\x75\x0d"  # cmp edi, 5; jne ret: CLOCK_REALTIME_COARSE
        + _MOV_CX,
        _ADD_TO_SI,
    ),
    "__vdso_gettimeofday": Piece(
        _call(96)
        + b"\x85\xc0\x75\x12"  # test eax, eax; jne ret
        + b"\x48\x85\xff\x74\x0d"  # test rdi, rdi; je ret
        + _MOV_CX,
        _ADD_TO_DI,
    ),
    "__vdso_time": Piece(
        _call(201) + _MOV_CX,
        b"\x48\x01\xc8"  # add rax, rcx
        b"\x48\x85\xff\x74\x03"  # test rdi, rdi; je ret
        b"\x48\x89\x07" + RET,  # mov [rdi], rax
    ),
}
"""By the symbol that each replaces."""


def jump(source: int, target: int) -> bytes:
    """A jump from one address to another near it."""
    return b"\xe9" + struct.pack("<i", target - (source + 5))
