"""A request as bytes. It can be one that no correct client would send."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from harness.target import OutgoingRequest

Headers = tuple[tuple[bytes, bytes], ...]
LENGTH = b"content-length"


@dataclass(frozen=True, slots=True)
class RawRequest:
    """`end`: the end of each line of the head. `before`: bytes before it.

    `ends`: the client then closes its sending side.

    A header `content-length` is written at its place in `headers`; its value need not be true.
    """

    method: bytes
    path: bytes
    version: bytes
    headers: Headers
    body: bytes
    end: bytes = b"\r\n"
    before: bytes = b""
    ends: bool = False

    def __bytes__(self) -> bytes:
        lines = [b" ".join((self.method, self.path, self.version))]
        lines += [name + b": " + value if value or name[-1:] != b"\n" else name[:-1] for name, value in self.headers]
        return self.before + self.end.join([*lines, b"", b""]) + self.body

    def value(self, name: bytes) -> bytes:
        """The value of the first header with that name; empty if there is none."""
        return next((value for key, value in self.headers if key == name), b"")

    def replaced(self, name: bytes, *instead: tuple[bytes, bytes]) -> RawRequest:
        """The same request with other headers in the place of that one."""
        headers = tuple(pair for each in self.headers for pair in (instead if each[0] == name else (each,)))
        return dataclasses.replace(self, headers=headers)

    def with_headers(self, *more: tuple[bytes, bytes]) -> RawRequest:
        """The same request with more headers after the others."""
        return dataclasses.replace(self, headers=(*self.headers, *more))

    def with_body(self, body: bytes) -> RawRequest:
        """The same head with another body, and its true length."""
        changed = dataclasses.replace(self, body=body)
        return changed.replaced(LENGTH, (LENGTH, str(len(body)).encode()))


Change = Callable[[RawRequest], RawRequest]


def raw(request: OutgoingRequest, host: str) -> RawRequest:
    """The bytes of a request that a target's sender has built, as a usual client sends it.

    `host`: the address to connect to.
    """
    pairs = tuple((name.lower().encode("latin-1"), _bytes(value)) for name, value in request.headers.items())
    length = ((LENGTH, str(len(request.body)).encode()),) if request.body or request.method != "GET" else ()
    head = ((b"host", host.encode()), *pairs, *length)
    return RawRequest(request.method.encode(), _bytes(request.path), b"HTTP/1.1", head, request.body)


def _bytes(text: str) -> bytes:
    """UTF-8: what a client that knows nothing of HTTP's Latin-1 sends."""
    return text.encode("utf-8", "surrogateescape")
