"""Reads from a Go program how it was built, without Go (like `go version -m`).

Since Go 1.18 the linker writes a header of 32 bytes at a multiple of 16. Two strings follow, each preceded by its
length as a varint: Go's version, and the modules between two markers of 16 bytes (source: Go's debug/buildinfo).
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from pathlib import Path

_MAGIC = b"\xff Go buildinf:"
_HEADER_BYTES = 32
_INLINE_STRINGS = 0x2
_MARKER_BYTES = 16
_STRING_BYTES_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class GoBuild:
    """The Go release, the main package's path, its module and that module's version (`(devel)` from a checkout)."""

    go: str
    path: str
    module: str
    version: str


def read_go_build(file: Path) -> GoBuild | None:
    """Return the build information of a program, None if the file has none. Raises OSError."""
    if file.stat().st_size < _HEADER_BYTES:
        return None
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = data.find(_MAGIC)
        while at >= 0 and at % 16:
            at = data.find(_MAGIC, at + 1)
        if at < 0 or not data[at + 15] & _INLINE_STRINGS:
            return None
        return _parse(data, at + _HEADER_BYTES)


def _parse(data: mmap.mmap, at: int) -> GoBuild | None:
    go = _string(data, at)
    if go is None:
        return None
    modules = _string(data, go[1])
    if modules is None or len(modules[0]) < 2 * _MARKER_BYTES:
        return None
    lines = modules[0][_MARKER_BYTES:-_MARKER_BYTES].decode("utf-8", "replace").splitlines()
    found = {name: rest for name, _, rest in (line.partition("\t") for line in lines) if name in {"path", "mod"}}
    module, _, rest = found.get("mod", "").partition("\t")
    return GoBuild(
        go=go[0].decode("utf-8", "replace"),
        path=found.get("path", ""),
        module=module,
        version=rest.partition("\t")[0],
    )


def _string(data: mmap.mmap, at: int) -> tuple[bytes, int] | None:
    """Return the string at `at` and the offset behind it, None if the file ends or is wrong."""
    length = shift = 0
    while True:
        if at >= len(data) or shift > 28:
            return None
        byte = data[at]
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    if length > _STRING_BYTES_MAX or at + length > len(data):
        return None
    return data[at : at + length], at + length
