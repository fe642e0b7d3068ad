"""The NATS client protocol: where each message begins and ends.

Source: the NATS documentation, "Client Protocol". A message is a line of words; one with a body says how long it is at
the line's end.
"""

from __future__ import annotations

from typing import Final

from harness.protocols.contract.frames import HEAD_MAX, Frame
from harness.protocols.contract.stepping import SteppingFramer, Unreadable

__all__ = ["LINE_MAX", "NAMES", "LinesFramer", "sizes"]

NAMES: Final = {
    b"CONNECT": "CONNECT", b"PUB": "PUB", b"HPUB": "HPUB", b"SUB": "SUB", b"UNSUB": "UNSUB", b"PING": "PING",
    b"PONG": "PONG", b"INFO": "INFO", b"MSG": "MSG", b"HMSG": "HMSG", b"+OK": "OK", b"-ERR": "ERR",
}  # fmt: skip
WITH_BODY: Final = frozenset({b"PUB", b"HPUB", b"MSG", b"HMSG"})
LINE_MAX: Final = 65536
"""Bytes. By default a server accepts 4,096, except for CONNECT and INFO."""
BODY_MAX: Final = 1 << 32
"""Bytes: sixty-four times the most that a server can be configured to accept."""
END: Final = b"\r\n"


class LinesFramer(SteppingFramer[Frame]):
    """See `Framer`. Both directions are read in the same way."""

    __slots__ = ("_line",)

    def __init__(self) -> None:
        super().__init__()
        self._line = b""  # the beginning of a line that has not ended

    def _begun(self) -> Frame:
        return Frame("", self._offset, bytearray(), 0, complete=False)

    def _counted(self) -> bool:
        return True

    def _take(self, data: bytes, position: int) -> tuple[bytes | None, int]:
        """Return the next line without its end."""
        end = data.find(b"\n", position)
        line = self._line + data[position : end if end >= 0 else None]
        if len(line) > LINE_MAX or (len(line) > len("CONNECT ") and operation(line) not in NAMES):
            raise Unreadable
        self._line = b"" if end >= 0 else line
        return (line.removesuffix(b"\r"), end + 1) if end >= 0 else (None, len(data))

    def _understand(self, frame: Frame, line: bytes) -> bool:
        word = operation(line)
        if word not in NAMES:
            raise Unreadable
        frame.name = NAMES[word]
        if word not in WITH_BODY:
            return True
        self._left = sizes(line)[-1] + len(END)
        return False

    def _extended(self, frame: Frame) -> None:
        if not frame.name and len(frame.head) == HEAD_MAX:
            frame.name = NAMES.get(operation(bytes(frame.head)), "")


def operation(line: bytes) -> bytes:
    """Return the first word, in capitals."""
    return next(iter(line[:16].split(None, 1)), b"").upper()


def sizes(line: bytes) -> list[int]:
    """Return the sizes at the end of a line: of the headers, if there are any, and of everything that follows.

    Raises:
        Unreadable: there are none, or they make no sense.
    """
    words = line.split()
    last = words[-2:] if words[0].upper().startswith(b"H") else words[-1:]
    if len(words) < len(last) + 2 or not all(word.isdigit() and len(word) < 12 for word in last):
        raise Unreadable
    found = [int(word) for word in last]
    if found[-1] > BODY_MAX or found[0] > found[-1]:
        raise Unreadable
    return found
