"""The content of a body so far: the bytes of its chunks without their sizes."""

from __future__ import annotations

from harness.protocols.http.wire.head import CHUNKED

__all__ = ["content"]


def content(body: bytes, length: int) -> bytes:
    """Return the content of a body that has begun. `length`: its head's length, or CHUNKED."""
    if length != CHUNKED:
        return body[:length]
    pieces: list[bytes] = []
    while body:
        line, ended, rest = body.partition(b"\n")
        size = int(line.partition(b";")[0], 16) if ended else 0
        if not size:
            break
        pieces.append(rest[:size])
        body = rest[size + 2 :]
    return b"".join(pieces)
