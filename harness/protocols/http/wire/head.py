"""The head of an HTTP/1.x message: its first line, its header fields, and how its body ends.

Source: RFC 9112 (messages, and section 6.3 for the body), RFC 9110 (methods, statuses, Expect).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

from harness.protocols.contract.stepping import Unreadable

__all__ = [
    "CHUNKED",
    "UNTIL_CLOSE",
    "Field",
    "RequestHead",
    "ResponseHead",
    "check_request_begins",
    "check_response_begins",
]

CHUNKED: Final = -1
UNTIL_CLOSE: Final = -2

TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
REQUEST_LINE: Final = re.compile(rb"(?P<method>" + TOKEN + rb") (?P<target>[^\x00-\x20\x7f]+) HTTP/1\.(?P<minor>[0-9])")
STATUS_LINE: Final = re.compile(rb"HTTP/1\.[0-9] (?P<status>[1-9][0-9]{2})(?: [^\x00\n]*)?")
FIELD: Final = re.compile(rb"(?P<name>" + TOKEN + rb"):[ \t]*(?P<value>.*?)[ \t]*", re.DOTALL)
ORIGIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^/?#]*")
LENGTH: Final = re.compile(rb"[0-9]{1,20}")
TEXT_MAX: Final = 2000  # characters

# What a first line can begin with, for bytes that are no HTTP and may never have a line's end.
_REQUEST_BEGINS: Final = re.compile(TOKEN + rb"(?: (?:[^\x00-\x20\x7f]+(?: (?P<version>[^ ]*))?)?)?")
_VERSION: Final = b"HTTP/1."
_STATUS_BEGINS: Final = re.compile(rb"HTTP/1\.(?:[0-9](?: (?:[1-9](?:[0-9](?:[0-9](?: [^\x00]*)?)?)?)?)?)?")

Field: TypeAlias = tuple[bytes, bytes]
"""A header field: its name in lower case, its value without the blanks around it."""


@dataclass(frozen=True, slots=True)
class RequestHead:
    """The head of a request. `body`: the body's length, or CHUNKED."""

    method: str
    target: str
    minor: int
    fields: Sequence[Field]
    body: int

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a whole head. Raises Unreadable."""
        line, fields = _lines(data.lstrip(b"\r\n"))
        match = REQUEST_LINE.fullmatch(line)
        if match is None:
            raise Unreadable
        body = _body(fields, neither=0)
        if body == UNTIL_CLOSE:  # an encoding without an end: a server must refuse it
            raise Unreadable
        method, target = match["method"].decode("ascii"), match["target"].decode("latin-1")
        return cls(method, target, int(match["minor"]), fields, body)

    @property
    def text(self) -> str:
        """The method and the path, with its query, as in "POST /charges"; at most 2,000 characters."""
        path = ORIGIN.sub("", self.target, count=1) or "/"
        return f"{self.method} {path}"[:TEXT_MAX]

    @property
    def waits_for_continue(self) -> bool:
        """Whether the client may withhold the body until the server says 100 (RFC 9110, 10.1.1)."""
        expected = [value.lower() for name, value in self.fields if name == b"expect"]
        return self.minor > 0 and self.body != 0 and b"100-continue" in expected


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """The head of a response. `body`: the body's length, CHUNKED or UNTIL_CLOSE, if the request asked for one."""

    status: int
    fields: Sequence[Field]
    body: int

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a whole head. Raises Unreadable."""
        line, fields = _lines(data)
        match = STATUS_LINE.fullmatch(line)
        if match is None:
            raise Unreadable
        return cls(int(match["status"]), fields, _body(fields, neither=UNTIL_CLOSE))

    @property
    def is_interim(self) -> bool:
        """Whether another response follows for the same request."""
        return self.status < 200 and self.status != 101

    def switches(self, method: str) -> bool:
        """Whether the connection is no longer HTTP after this response."""
        return self.status == 101 or (method == "CONNECT" and 200 <= self.status < 300)

    def body_after(self, method: str) -> int:
        """Return what follows the head of a response to a request with this method."""
        return self.body if self.may_have_body(method) else 0

    def may_have_body(self, method: str) -> bool:
        """Whether a body can follow: if not, the client ignores a Content-Length (RFC 9112, 6.3)."""
        without = method == "HEAD" or self.status < 200 or self.status in (204, 304) or self.switches(method)
        return not without


def check_request_begins(data: bytes) -> bool:
    """Return whether the first line of an incomplete head is complete.

    Bytes that are not HTTP may never contain the end of a line. Raises Unreadable for them.
    """
    line, ended, _ = data.lstrip(b"\r\n").partition(b"\n")
    line = line.removesuffix(b"\r")
    if ended:
        return _fits(REQUEST_LINE, line)
    if line:
        match = _REQUEST_BEGINS.fullmatch(line)
        version = match["version"] or b"" if match else None
        if version is None or version[: len(_VERSION)] != _VERSION[: len(version)]:
            raise Unreadable
    return False


def check_response_begins(data: bytes) -> bool:
    """Do the same for a response."""
    line, ended, _ = data.partition(b"\n")
    line = line.removesuffix(b"\r")
    if ended:
        return _fits(STATUS_LINE, line)
    if line != _VERSION[: len(line)]:
        _fits(_STATUS_BEGINS, line)
    return False


def _fits(pattern: re.Pattern[bytes], line: bytes) -> bool:
    if pattern.fullmatch(line) is None:
        raise Unreadable
    return True


def _lines(head: bytes) -> tuple[bytes, list[Field]]:
    """Return the first line and the fields.

    A line may end with LF alone; one that begins with a blank continues the line before.
    """
    first, *others = (line.removesuffix(b"\r") for line in head.removesuffix(b"\n").split(b"\n"))
    unfolded: list[bytes] = []
    for line in others:
        if line[:1] in (b" ", b"\t"):
            if not unfolded:
                raise Unreadable
            unfolded[-1] += b" " + line.lstrip(b" \t")
        elif line:
            unfolded.append(line)
    return first, [_field(line) for line in unfolded]


def _field(line: bytes) -> Field:
    match = FIELD.fullmatch(line)
    if match is None:
        raise Unreadable
    return match["name"].lower(), match["value"]


def _body(fields: Sequence[Field], *, neither: int) -> int:
    codings = [word for name, value in fields if name == b"transfer-encoding" for word in _words(value)]
    if codings:
        return CHUNKED if codings[-1].lower() == b"chunked" else UNTIL_CLOSE
    lengths = {word for name, value in fields if name == b"content-length" for word in _words(value)}
    if not lengths:
        return neither
    length = lengths.pop()
    if lengths or not LENGTH.fullmatch(length):
        raise Unreadable
    return int(length)


def _words(value: bytes) -> list[bytes]:
    return [word.strip(b" \t") for word in value.split(b",")]
