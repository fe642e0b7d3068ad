"""Redis's protocols RESP2 and RESP3: where each command and each reply begins and ends.

Source: the Redis documentation, "Redis serialization protocol specification", and the RESP3 specification for streamed
values. We wrote it ourselves because the maintained parsers (hiredis, redis-py's) return values without the bytes of
each value.
"""

from __future__ import annotations

from typing import Final

from harness.protocols.contract.frames import HEAD_MAX, Frame, Span
from harness.protocols.contract.stepping import SteppingFramer, Unreadable
from harness.protocols.redis.wire.commands import command_name

__all__ = ["AnsweredFramer", "SentFramer"]

NAMES: Final = {
    "+": "SimpleString", "-": "Error", ":": "Integer", "$": "BulkString", "*": "Array", "%": "Map", "~": "Set",
    ">": "Push", ",": "Double", "#": "Boolean", "_": "Null", "(": "BigNumber", "!": "BulkError", "=": "Verbatim",
    "|": "Attribute",
}  # fmt: skip
LINES: Final = frozenset(b"+-:,#_(")
BULKS: Final = frozenset(b"$!=")
AGGREGATES: Final = frozenset(b"*%~>|")
ARRAY, BULK, MAP, ATTRIBUTE, PART = b"*$%|;"

BULK_MAX: Final = 1 << 32  # eight times what a server takes unless told otherwise (proto-max-bulk-len)
COUNT_MAX: Final = 1 << 31  # the server's limit on the elements of one array, INT_MAX
STREAMS_MAX: Final = 128  # open streamed aggregates, one in the other
NUMBER_MAX: Final = 30  # bytes of a line that holds a length
INLINE_MAX: Final = 65536  # the server's own limit, PROTO_INLINE_MAX_SIZE

STREAM: Final = -1  # an aggregate that ends with "."
STREAMED_STRING: Final = -2  # parts that end with ";0"

_KINDS = frozenset(map(ord, NAMES)) | frozenset(b".;")


class _Framer(SteppingFramer[Frame]):
    """The common base of both directions: lines, bulk strings and aggregates of them."""

    __slots__ = ("_due", "_line")

    def __init__(self) -> None:
        super().__init__()
        # The number of values that have not arrived. An aggregate of known size adds its own to the count that it
        # stands in, so that depth costs nothing; a streamed one stands on top of it and is followed by its own counts.
        self._due: list[int] = []
        self._line = b""  # the beginning of a line that has not ended

    def _begun(self) -> Frame:
        return Frame("", self._offset, bytearray(), 0, complete=False)

    def _counted(self) -> bool:
        return self._value_ended()

    def _take(self, data: bytes, position: int) -> tuple[bytes | None, int]:
        """Return the next line without its end."""
        kept = self._line
        if kept[-1:] == b"\r" and data[position] == 0x0A:
            line, after = kept[:-1], position + 1
        else:
            end = data.find(b"\r\n", position)
            if end < 0:
                self._keep(data, position)
                return None, len(data)
            line, after = kept + data[position:end], end + 2
        self._line = b""
        if not line or (len(line) > NUMBER_MAX and line[0] not in LINES):
            raise Unreadable
        return line, after

    def _keep(self, data: bytes, position: int) -> None:
        """Keep the beginning of a line. Of a long text only its first and its last byte matter."""
        line = self._line + data[position:]
        if line[0] not in LINES:
            if line[0] not in _KINDS or len(line.removesuffix(b"\r")) > NUMBER_MAX:
                raise Unreadable
        elif len(line) > 2:
            line = line[:1] + line[-1:]
        self._line = line

    def _extended(self, frame: Frame) -> None:
        if not frame.name and (frame.complete or len(frame.head) == HEAD_MAX):
            frame.name = self._name(frame)

    def _name(self, frame: Frame) -> str:
        raise NotImplementedError

    def _value_ended(self) -> bool:
        """Count a value that has ended; return whether the frame ends with it."""
        due = self._due
        while due:
            if due[-1] < 0:  # streamed: it ends when it says so
                return False
            due[-1] -= 1
            if due[-1]:
                return False
            due.pop()
        return True

    def _begin(self, count: int) -> bool:
        """Begin an aggregate with this number of values; return whether the frame ends with it."""
        if count == 0:
            return self._value_ended()
        if self._due and self._due[-1] > 0:
            self._due[-1] += count - 1
        else:
            self._due.append(count)
        return False


class AnsweredFramer(_Framer):
    """What the server answers: values of RESP2 and RESP3. An attribute and the value after it are one frame."""

    __slots__ = ()

    def _understand(self, frame: Frame, line: bytes) -> bool:
        kind = line[0]
        if self._due and self._due[-1] == STREAMED_STRING:
            return self._take_part(kind, line)
        if not frame.name:
            frame.name = "Null" if line in (b"$-1", b"*-1") else NAMES.get(chr(kind), "")
        if kind in LINES:
            return self._value_ended()
        if kind in BULKS:
            return self._bulk(line)
        if kind in AGGREGATES:
            return self._aggregate(kind, line)
        if line == b"." and self._due and self._due[-1] == STREAM:
            self._due.pop()
            return self._value_ended()
        raise Unreadable

    def _bulk(self, line: bytes) -> bool:
        digits = line[1:]
        if digits.isdigit():
            self._left = _bounded(digits, BULK_MAX) + 2
            return False
        if digits == b"-1":
            return self._value_ended()
        if digits == b"?":
            return self._stream(STREAMED_STRING)
        raise Unreadable

    def _aggregate(self, kind: int, line: bytes) -> bool:
        digits = line[1:]
        attribute = kind == ATTRIBUTE
        if digits.isdigit():
            count = _bounded(digits, COUNT_MAX)
            if attribute:
                return self._begin(2 * count + 1)  # and the value after it
            return self._begin(2 * count if kind == MAP else count)
        if digits == b"-1" and not attribute:
            return self._value_ended()
        if digits == b"?":
            if attribute:
                self._begin(2)
            return self._stream(STREAM)
        raise Unreadable

    def _stream(self, kind: int) -> bool:
        if len(self._due) >= 2 * STREAMS_MAX:
            raise Unreadable
        self._due.append(kind)
        return False

    def _take_part(self, kind: int, line: bytes) -> bool:
        digits = line[1:]
        if kind != PART or not digits.isdigit():
            raise Unreadable
        length = _bounded(digits, BULK_MAX)
        if length:
            self._left = length + 2
            return False
        self._due.pop()
        return self._value_ended()

    def _name(self, frame: Frame) -> str:
        return NAMES.get(chr(frame.head[0]), "")


class SentFramer(_Framer):
    """What the service sends: commands as arrays of bulk strings, or inline, as one line of words."""

    __slots__ = ()

    def _next(self, data: bytes, begin: int, spans: list[Span]) -> int:
        if self._frame is None:
            end = _end_of_command(data, begin)
            if 0 < end <= len(data) and end - begin <= HEAD_MAX:
                head = bytearray(data[begin:end])
                frame = Frame(command_name(head), self._offset, head, end - begin, complete=True)
                spans.append(Span(frame, begin, end, first=True, last=True))
                self._offset += end - begin
                return end
        return super()._next(data, begin, spans)

    def _take(self, data: bytes, position: int) -> tuple[bytes | None, int]:
        if self._due or (self._line[0] if self._line else data[position]) == ARRAY:
            return super()._take(data, position)
        end = data.find(b"\n", position)
        line = (self._line + data[position : end if end >= 0 else None]).removesuffix(b"\r")
        if len(line) > INLINE_MAX:
            raise Unreadable
        self._line = b"" if end >= 0 else self._line + data[position:]
        return (line, end + 1) if end >= 0 else (None, len(data))

    def _understand(self, frame: Frame, line: bytes) -> bool:
        del frame
        digits = line[1:]
        if self._due:
            if line[0] != BULK or not digits.isdigit():
                raise Unreadable
            self._left = _bounded(digits, BULK_MAX) + 2
            return False
        if line[:1] != b"*":
            return True  # inline
        if digits.isdigit():
            return self._begin(_bounded(digits, COUNT_MAX))
        if digits[:1] == b"-" and digits[1:].isdigit():
            return True  # the server passes over it
        raise Unreadable

    def _name(self, frame: Frame) -> str:
        return command_name(frame.head)


def _end_of_command(data: bytes, position: int) -> int:
    """Return where an array of bulk strings ends, if it is a usual one and its lengths are in the data; otherwise 0."""
    if data[position] != ARRAY:
        return 0
    end = data.find(b"\r\n", position, position + NUMBER_MAX)
    digits = data[position + 1 : end]
    if end < 0 or not digits.isdigit():
        return 0
    size = len(data)
    position = end + 2
    for _ in range(int(digits)):
        if position >= size or data[position] != BULK:
            return 0
        end = data.find(b"\r\n", position, position + NUMBER_MAX)
        digits = data[position + 1 : end]
        if end < 0 or not digits.isdigit():
            return 0
        position = end + 4 + int(digits)
    return position


def _bounded(digits: bytes, limit: int) -> int:
    number = int(digits)
    if number > limit:
        raise Unreadable
    return number
