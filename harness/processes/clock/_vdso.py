"""Finds the vDSO of a process, its functions, and the room behind them (`vdso(7)`, `elf(5)`)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_SECTION_HEADERS_AT = 0x28
_SYMBOLS = 11
"""SHT_DYNSYM."""


@dataclass(frozen=True, slots=True)
class Vdso:
    """`base`: its address in the process. `functions`: offsets by symbol.

    `room`: the place after which there are only zeros.
    """

    base: int
    size: int
    functions: Mapping[str, int]
    room: int


def vdso_of(pid: int) -> tuple[int, int] | None:
    """Return the address and the size of a process's vDSO; None if it has none.

    Raises OSError if the process is gone.
    """
    for line in Path(f"/proc/{pid}/maps").read_text("ascii", "replace").splitlines():
        if line.endswith("[vdso]"):
            begin, end = (int(word, 16) for word in line.split(maxsplit=1)[0].split("-"))
            return begin, end - begin
    return None


def read_vdso(base: int, image: bytes) -> Vdso:
    """Read the functions of an image. Raises ValueError if it is not a 64-bit ELF file."""
    if image[:5] != b"\x7fELF\x02":
        raise ValueError("the vDSO is no 64-bit ELF")
    (headers,) = struct.unpack_from("<Q", image, _SECTION_HEADERS_AT)
    size, count = struct.unpack_from("<HH", image, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", image, headers + size * at) for at in range(count)]
    functions: dict[str, int] = {}
    for section in sections:
        if section[1] == _SYMBOLS:
            names_at = sections[section[6]][4]
            for at in range(section[4], section[4] + section[5], 24):
                name_at, _, _, _, value, _ = struct.unpack_from("<IBBHQQ", image, at)
                name = image[names_at + name_at : image.index(b"\0", names_at + name_at)].decode("ascii")
                functions[name] = value
    used = len(image.rstrip(b"\0"))
    return Vdso(base, len(image), functions, (used + 15) // 16 * 16)
