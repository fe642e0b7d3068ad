"""A bounded memory for a connection's named objects: prepared statements and portals."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

ValueT = TypeVar("ValueT")

ENTRIES_MAX: Final = 2_000
BYTES_MAX: Final = 4 * 1024 * 1024  # far more than a driver's cache of statements; each entry can have some 300 KiB


class Remembered(Generic[ValueT]):
    """Values by name. If they get too many or too large, the least recently used are forgotten, except the last."""

    __slots__ = ("_bytes", "_entries")

    def __init__(self) -> None:
        self._entries: dict[str, tuple[ValueT, int]] = {}  # with their sizes; the least recently used comes first
        self._bytes = 0

    def put(self, name: str, value: ValueT, size_bytes: int) -> None:
        """Store a value under a name, instead of an earlier one."""
        entries = self._entries
        old = entries.pop(name, None)
        if old is not None:
            self._bytes -= old[1]
        entries[name] = (value, size_bytes)
        self._bytes += size_bytes
        while (self._bytes > BYTES_MAX or len(entries) > ENTRIES_MAX) and len(entries) > 1:
            self._bytes -= entries.pop(next(iter(entries)))[1]

    def get(self, name: str) -> ValueT | None:
        """Return the value with this name."""
        entry = self._entries.get(name)
        return None if entry is None else entry[0]

    def use(self, name: str) -> ValueT | None:
        """Return the value with this name, and note that it was used."""
        entry = self._entries.pop(name, None)
        if entry is None:
            return None
        self._entries[name] = entry
        return entry[0]
