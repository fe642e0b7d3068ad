"""Drops segments that arrive at a TCP socket before TCP sees them, by a classic BPF filter on the socket.

Dropped segments are not acknowledged: to the peer the line is dead, and it sends again and again. When the filter is
removed, the peer's next try arrives, and the connection continues. On a listening socket a filter drops SYNs: a connect
hangs.

    attach(sock, LOSE_ALL)
    ...
    detach(sock)

SO_ATTACH_FILTER is in socket(7); the filter's language in the kernel's Documentation/networking/filter.rst. A filter on
a TCP socket sees each segment from its TCP header on. The kernel counts what it drops (SO_MEMINFO).
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from harness.capability import Capability

NAME: Final = "socket filters"
OWN_NETWORK: Final = "unshare --user --map-root-user --net sh -c 'ip link set lo up; exec python -m harness gate'"
SO_ATTACH_FILTER: Final = 26  # asm-generic/socket.h
SO_DETACH_FILTER: Final = 27
SO_MEMINFO: Final = 55
_MEMINFO: Final = struct.Struct("9I")  # linux/sock_diag.h: SK_MEMINFO_*
_DROPS: Final = 8  # SK_MEMINFO_DROPS
_RANDOM: Final = 0xFFFFF000 + 56  # linux/filter.h: SKF_AD_OFF + SKF_AD_RANDOM
_WORDS: Final = 1 << 32

Instruction: TypeAlias = tuple[int, int, int, int]
_LOAD_WORD, _LOAD_BYTE, _LOAD_LENGTH, _PASS_OR_LOSE = 0x20, 0x30, 0x80, 0x06
_SHIFT_RIGHT, _AND, _TO_INDEX, _SUBTRACT_INDEX = 0x74, 0x54, 0x07, 0x1C
_IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT = 0x15, 0x35, 0x45
_LOSE: Final[Instruction] = (_PASS_OR_LOSE, 0, 0, 0)
_PASS: Final[Instruction] = (_PASS_OR_LOSE, 0, 0, _WORDS - 1)
_IF_MORE, _LOAD_HEAD, _LOAD_HALF_BEHIND = 0x25, 0xB1, 0x48
_LOAD_BYTE_BEHIND, _LOAD_WORD_BEHIND = 0x50, 0x40
_FIN_SYN_RST: Final = 0x07
_RST_ACK: Final = 0x14
_IP_BYTES: Final = 20  # an IPv4 header without options
SOME_SIZES: Final = 500


class AnySocket(Protocol):
    """The needed part of a socket, because uvloop's are not `socket.socket`."""

    def setsockopt(self, level: int, option: int, value: Any, /) -> None:
        """Set an option of the socket."""
        ...

    def getsockopt(self, level: int, option: int, length: int, /) -> Any:
        """Return the bytes of an option of the socket."""
        ...

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        ...


@dataclass(frozen=True, slots=True)
class Filter:
    """A program that the kernel runs for each segment. `strength`: if a socket has two, the stronger one counts."""

    strength: int
    program: Sequence[Instruction]


LOSE_ALL: Final = Filter(1_000, (_LOSE,))
"""Nothing arrives."""
LOSE_NEWS: Final = Filter(
    999,
    (
        (_LOAD_BYTE, 0, 0, 12),  # the header's length, in the upper half of the byte, counts words
        (_SHIFT_RIGHT, 0, 0, 2),
        (_AND, 0, 0, 0x3C),
        (_TO_INDEX, 0, 0, 0),
        (_LOAD_LENGTH, 0, 0, 0),
        (_SUBTRACT_INDEX, 0, 0, 0),
        (_IF_EQUAL, 0, 3, 0),  # a payload: lose it
        (_LOAD_BYTE, 0, 0, 13),
        (_IF_ANY_BIT, 1, 0, _FIN_SYN_RST),
        _PASS,
        _LOSE,
    ),
)
"""Only bare acknowledgements arrive, for data that was sent before the line went dead."""


def lose_share(percent: int) -> Filter:
    """A filter that drops this many of a hundred segments, at random."""
    return Filter(percent, ((_LOAD_WORD, 0, 0, _RANDOM), (_IF_AT_LEAST, 1, 0, _WORDS * percent // 100), _LOSE, _PASS))


def lose_larger(packet_bytes: int) -> Filter:
    """A filter that drops IPv4 packets that are larger than this."""
    return Filter(SOME_SIZES, ((_LOAD_LENGTH, 0, 0, 0), (_IF_MORE, 1, 0, packet_bytes - _IP_BYTES), _PASS, _LOSE))


def port_only(port: int) -> Filter:
    """A filter for a packet socket, which sees a packet from its IP header on: it passes TCP to that port."""
    return Filter(
        0,
        (
            (_LOAD_BYTE, 0, 0, 9),  # the protocol
            (_IF_EQUAL, 0, 4, socket.IPPROTO_TCP),
            (_LOAD_HEAD, 0, 0, 0),  # the IP header's length: where TCP's begins
            (_LOAD_HALF_BEHIND, 0, 0, 2),
            (_IF_EQUAL, 0, 1, port),
            _PASS,
            _LOSE,
        ),
    )


REFUSALS_ONLY: Final = Filter(
    0,
    (
        (_LOAD_HEAD, 0, 0, 0),
        (_LOAD_BYTE_BEHIND, 0, 0, 13),
        (_AND, 0, 0, _RST_ACK),
        (_IF_EQUAL, 0, 3, _RST_ACK),
        (_LOAD_WORD_BEHIND, 0, 0, 4),
        (_IF_EQUAL, 0, 1, 0),
        _PASS,
        _LOSE,
    ),
)
"""For a raw TCP socket, which sees a packet from its IP header on: it passes the resets that answer refused SYNs. Such
a reset acknowledges, and has no sequence number of its own."""


def take_only(sock: AnySocket, chosen: Filter) -> None:
    """See only segments that the filter passes. Raises OSError."""
    attach(sock, chosen)


def attach(sock: AnySocket, chosen: Filter) -> None:
    """Drop what this filter drops, in place of an earlier one. Raises OSError."""
    code = b"".join(struct.pack("HBBI", *each) for each in chosen.program)
    program = ctypes.create_string_buffer(code, len(code))
    told = struct.pack("@HP", len(chosen.program), ctypes.addressof(program))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, told)


def detach(sock: AnySocket) -> None:
    """Stop dropping. Does nothing if there is no filter."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise


def dropped(sock: AnySocket) -> int:
    """How many segments the kernel has dropped at this socket. Raises OSError."""
    return int(_MEMINFO.unpack(sock.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, _MEMINFO.size))[_DROPS])


@functools.cache
def filters_available() -> Capability:
    """Attach a filter to a TCP socket, once. Never raises."""
    try:
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as tried:
            attach(tried, LOSE_NEWS)
            dropped(tried)
    except OSError as error:
        why = errno.errorcode.get(error.errno or 0, str(error.errno))
        detail = f"a TCP socket takes no filter: {os.strerror(error.errno or 0)} ({why})"
        mend = f"run it as root, or in a network of its own: {OWN_NETWORK}"
        return Capability(NAME, available=False, detail=detail, mend=mend)
    return Capability(NAME, available=True, detail="attached one to a TCP socket")
