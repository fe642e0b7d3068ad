"""PostgreSQL's protocol 3: where each message begins and ends, in both directions.

Source: the PostgreSQL documentation, "Message Formats", "SSL Session Encryption" and "GSSAPI Session Encryption". We
wrote it ourselves because the maintained parsers (asyncpg's, psycopg's libpq) read only one side and do not return the
bytes of each message.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

from harness.protocols.contract.frames import GARBAGE, HEAD_MAX, Chunk, Frame, Span, extend

__all__ = ["AnsweredFramer", "Handshake", "SentFramer"]

SENT: Final = {
    "Q": "Query", "P": "Parse", "B": "Bind", "D": "Describe", "E": "Execute", "C": "Close", "H": "Flush", "S": "Sync",
    "F": "FunctionCall", "d": "CopyData", "c": "CopyDone", "f": "CopyFail", "X": "Terminate",
}  # fmt: skip
ANSWERED: Final = {
    "S": "ParameterStatus", "K": "BackendKeyData", "Z": "ReadyForQuery", "T": "RowDescription", "D": "DataRow",
    "C": "CommandComplete", "E": "ErrorResponse", "N": "NoticeResponse", "A": "NotificationResponse",
    "1": "ParseComplete", "2": "BindComplete", "3": "CloseComplete", "n": "NoData", "t": "ParameterDescription",
    "I": "EmptyQueryResponse", "s": "PortalSuspended", "G": "CopyInResponse", "H": "CopyOutResponse",
    "W": "CopyBothResponse", "d": "CopyData", "c": "CopyDone", "V": "FunctionCallResponse",
    "v": "NegotiateProtocolVersion",
}  # fmt: skip
AUTHENTICATION: Final = {
    0: "AuthenticationOk", 2: "AuthenticationKerberosV5", 3: "AuthenticationCleartextPassword",
    5: "AuthenticationMD5Password", 7: "AuthenticationGSS", 8: "AuthenticationGSSContinue", 9: "AuthenticationSSPI",
    10: "AuthenticationSASL", 11: "AuthenticationSASLContinue", 12: "AuthenticationSASLFinal",
}  # fmt: skip
RESPONSES: Final = {  # what a client's message of type "p" is, by what the server asked for last
    "AuthenticationGSS": "GSSResponse", "AuthenticationGSSContinue": "GSSResponse",
    "AuthenticationSSPI": "GSSResponse", "AuthenticationSASL": "SASLInitialResponse",
    "AuthenticationSASLContinue": "SASLResponse",
}  # fmt: skip
REQUESTS: Final = {80877102: "CancelRequest", 80877103: "SSLRequest", 80877104: "GSSENCRequest"}
ENCRYPTION_ANSWERS: Final = {"SSLRequest": ("SSLAnswer", b"SN"), "GSSENCRequest": ("GSSENCAnswer", b"GN")}

MESSAGE_MAX: Final = 0x40000000  # the server's own limit, MaxAllocSize
STARTUP_MAX: Final = 10000  # the server's own limit, MAX_STARTUP_PACKET_LENGTH
NEVER: Final = 1 << 62  # the length of garbage
UNKNOWN: Final = 0

_HEADER = struct.Struct(">xI")
_STARTUP_HEADER = struct.Struct(">IHH")
_INT32 = struct.Struct(">I")


def _by_byte(names: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(names.get(chr(byte), "") for byte in range(256))


_SENT, _ANSWERED = _by_byte(SENT), _by_byte(ANSWERED)
_NONE = _by_byte({})
_NO_ROWS: Final = frozenset[str]()


@dataclass(slots=True)
class Handshake:
    """The state that the two framers of a connection share while it starts."""

    encryption_asked: deque[str] = field(default_factory=deque)  # requests whose one-byte answer is due
    encrypted: bool = False  # by GSSAPI: from here on nothing can be read
    authentication: str = ""  # what the server asked for last


class _Framer:
    """The common base of both directions: five bytes of type and length, then the body."""

    __slots__ = ("_frame", "_handshake", "_offset", "_plain", "_total")

    _ROWS: ClassVar[frozenset[str]]

    def __init__(self, handshake: Handshake) -> None:
        self._handshake = handshake
        self._plain = _NONE  # names of the types that need no second look
        self._offset = 0  # of the next frame
        self._frame: Frame | None = None  # one that has begun and not ended
        self._total = UNKNOWN  # its whole length

    def feed(self, chunk: Chunk) -> list[Span]:
        """Cut the next bytes."""
        return self._cut(chunk, _NO_ROWS)

    def watch(self, chunk: Chunk) -> list[Span]:
        """Cut the next bytes, rows by the run."""
        return self._cut(chunk, self._ROWS)

    def _cut(self, chunk: Chunk, rows: frozenset[str]) -> list[Span]:
        """Messages that are complete in the chunk are read in a faster way."""
        spans: list[Span] = []
        size = len(chunk)
        position = 0 if self._frame is None else self._go_on(self._frame, chunk, 0, spans)
        while position < size:
            name = self._plain[chunk[position]]
            if name and size - position >= 5:
                length = _HEADER.unpack_from(chunk, position)[0] + 1
                stop = position + length
                if 5 <= length <= MESSAGE_MAX and stop <= size:
                    kept = bytearray(chunk[position : stop if length <= HEAD_MAX else position + HEAD_MAX])
                    frame = Frame(name, self._offset, kept, length, complete=True)
                    if name in rows:
                        frame.more, stop = _run(chunk, stop, chunk[position])
                    spans.append(Span(frame, position, stop, first=True, last=True))
                    self._offset += stop - position
                    position = stop
                    continue
            begun = Frame("", self._offset, bytearray(), 0, complete=False)
            self._frame, self._total = begun, UNKNOWN
            position = self._go_on(begun, chunk, position, spans)
        return spans

    def _go_on(self, frame: Frame, chunk: Chunk, begin: int, spans: list[Span]) -> int:
        size, first, position = len(chunk), not frame.length, begin
        while self._total == UNKNOWN and position < size:
            stop = min(size, position + self._header_length(frame) - frame.length)
            extend(frame, chunk, position, stop)
            position = stop
            self._total = self._length_of(frame)
        if self._total != UNKNOWN:
            stop = min(size, position + self._total - frame.length)
            extend(frame, chunk, position, stop)
            position = stop
            self._end_if_whole(frame)
        spans.append(Span(frame, begin, position, first, frame.complete))
        return position

    def _end_if_whole(self, frame: Frame) -> None:
        if frame.length == self._total:
            frame.complete = True
            self._frame = None
            self._offset += frame.length
            self._completed(frame)

    def _header_length(self, frame: Frame) -> int:
        del frame
        return 5

    def _length_of(self, frame: Frame) -> int:
        """Name the frame by its first bytes and return its whole length; UNKNOWN while they are too few."""
        if self._handshake.encrypted or not 0x21 <= frame.head[0] <= 0x7E:
            return _garbage(frame)
        if frame.length < 5:
            return UNKNOWN
        length = int(_HEADER.unpack_from(frame.head)[0]) + 1
        if not 5 <= length <= MESSAGE_MAX:
            return _garbage(frame)
        frame.name = self._name(frame.head[0])
        return length

    def _name(self, kind: int) -> str:
        raise NotImplementedError

    def _completed(self, frame: Frame) -> None:
        raise NotImplementedError


class SentFramer(_Framer):
    """What the service sends: untyped packets first, typed messages after its StartupMessage."""

    __slots__ = ()

    _ROWS = frozenset({"CopyData"})

    def _header_length(self, frame: Frame) -> int:
        del frame
        return 8 if self._plain is _NONE else 5

    def _length_of(self, frame: Frame) -> int:
        if self._plain is not _NONE:
            return super()._length_of(frame)
        if self._handshake.encrypted or frame.head[0]:  # no packet is so long that its first byte is not zero
            return _garbage(frame)
        if frame.length < 8:
            return UNKNOWN
        length, major, minor = _STARTUP_HEADER.unpack_from(frame.head)
        frame.name = "StartupMessage" if major == 3 else REQUESTS.get(major << 16 | minor, "")
        if not frame.name or not 8 <= length <= STARTUP_MAX:
            return _garbage(frame)
        return int(length)

    def _name(self, kind: int) -> str:
        if kind == ord("p"):
            return RESPONSES.get(self._handshake.authentication, "PasswordMessage")
        return _SENT[kind] or f"type:{chr(kind)}"

    def _completed(self, frame: Frame) -> None:
        if frame.name == "StartupMessage":
            self._plain = _SENT
        elif frame.name in ENCRYPTION_ANSWERS:
            self._handshake.encryption_asked.append(frame.name)


class AnsweredFramer(_Framer):
    """What the server answers: a single byte to each request for encryption, otherwise typed messages."""

    __slots__ = ()

    _ROWS = frozenset({"DataRow", "CopyData"})

    def _header_length(self, frame: Frame) -> int:
        return 1 if self._handshake.encryption_asked and not frame.length else 5

    def _length_of(self, frame: Frame) -> int:
        if not self._handshake.encryption_asked or frame.length > 1:  # it began as a typed one
            return super()._length_of(frame)
        name, answers = ENCRYPTION_ANSWERS[self._handshake.encryption_asked.popleft()]
        if frame.head[0] not in answers:  # an old server answers with an ErrorResponse
            return super()._length_of(frame)
        frame.name = name
        return 1

    def _name(self, kind: int) -> str:
        return "Authentication" if kind == ord("R") else _ANSWERED[kind] or f"type:{chr(kind)}"

    def _completed(self, frame: Frame) -> None:
        if frame.name == "GSSENCAnswer":
            self._handshake.encrypted = frame.head == b"G"
        elif frame.name == "Authentication" and frame.length >= 9:
            frame.name = AUTHENTICATION.get(_INT32.unpack_from(frame.head, 5)[0], frame.name)
            self._handshake.authentication = frame.name
            if frame.name == "AuthenticationOk":
                self._plain = _ANSWERED


def _run(chunk: Chunk, position: int, kind: int) -> tuple[int, int]:
    """Return how many messages of this type stand here, whole, one after another, and where they end."""
    unpack, last_header = _HEADER.unpack_from, len(chunk) - 5
    count = 0
    while position <= last_header and chunk[position] == kind:
        length = unpack(chunk, position)[0] + 1
        if not 5 <= length <= MESSAGE_MAX or position + length > len(chunk):
            break
        position += length
        count += 1
    return count, position


def _garbage(frame: Frame) -> int:
    frame.name = GARBAGE
    return NEVER
