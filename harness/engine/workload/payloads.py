"""Bodies of deliveries. They use everything that JSON can carry, in many sizes. The same seed gives the same bodies."""

from __future__ import annotations

import json
import random
import string

SIZES_BYTES = (100, 180, 400, 1_000, 2_500, 8_000, 30_000, 120_000)
SAME_SIZE_BYTES = 120
PARTS_BYTES, PARTS_EVERY = 10_000, 4
EDGES = (
    "\x00", "\ud800", "\udfff\ud800", "\u2028\u2029", "\ufeff", "\ufffe", "\x7f\x80", '"\\/\b\f\n\r\t',
    "Ünïcödé", "中文", "🧨👩‍👩‍👧", "a\u0301\u200f", "</script><script>", "'; DROP TABLE deliveries; --", "%s%n{}",
)  # fmt: skip
"""Text that careless code cannot handle: NUL, lone surrogates, separators, markup, quotes."""
NUMBERS = (0, -0.0, 1e308, -1e-308, 2**63, -(2**63) - 1, 10**40, 0.1, True, False, None)


def varied(rng: random.Random, index: int, *, limit_bytes: int) -> bytes:
    """Return a JSON document of at least 100 bytes. Every thirty-second is as large as the service accepts.

    Large documents are chosen by index, not by chance, so that a short run has some too. `limit_bytes` is at least 100.
    """
    size = limit_bytes if index % 32 == 31 else min(rng.choice(SIZES_BYTES), limit_bytes)
    parts = [
        ("text", rng.choice(EDGES) + rng.choice(EDGES)),
        ("number", rng.choice(NUMBERS)),
        ("nested", _nested(rng, depth=rng.randrange(1, 12))),
        (rng.choice(EDGES), rng.choice(EDGES)),
    ]
    rng.shuffle(parts)
    # A coin: a surrogate can only be written as an escape, a letter in both ways.
    ascii_only = rng.random() < 0.5
    document: dict[str, object] = {"index": index}
    for key, part in parts:
        if len(_encoded(document | {key: part, "padding": ""}, ascii_only=ascii_only)) <= size:
            document[key] = part
    return _padded(document, size, rng, ascii_only=ascii_only)


def same_size(rng: random.Random, index: int) -> bytes:
    """Return a JSON document of 120 bytes that no other index has. Few services refuse such a small one."""
    document: dict[str, object] = {"number": f"{index:06}"}
    missing = SAME_SIZE_BYTES - len(_encoded(document | {"padding": ""}, ascii_only=True))
    return _encoded(document | {"padding": "".join(rng.choices(string.ascii_letters, k=missing))}, ascii_only=True)


def small(rng: random.Random, index: int, *, limit_bytes: int) -> bytes:
    """Return a document as `same_size` makes it; every fourth has instead as many parts as fit into 10 kB.

    Many runtimes collect garbage only when much was allocated. Without those documents a runtime would not collect for
    thousands of requests, and its garbage would look like memory that it keeps.
    """
    if index % PARTS_EVERY:
        return same_size(rng, index)
    start, end, part = f'{{"number": "{index:06}", "parts": [[]', "]}", ",[]"
    parts = (min(PARTS_BYTES, limit_bytes) - len(start) - len(end)) // len(part)
    return f"{start}{part * parts}{end}".encode()


def with_another_letter(body: bytes) -> bytes | None:
    """Return a body that differs in its last letter or digit; None if it does not end like the harness's own bodies."""
    letter = body[-3:-2]
    if not (body.endswith(b'"}') and letter.isalnum()):
        return None
    return body[:-3] + (b"b" if letter == b"a" else b"a") + body[-2:]


def _nested(rng: random.Random, *, depth: int) -> object:
    inner: object = rng.choice(EDGES)
    for level in range(depth):
        inner = {f"level {level}": inner} if rng.random() < 0.5 else [inner]  # a coin
    return inner


def _padded(document: dict[str, object], size: int, rng: random.Random, *, ascii_only: bool) -> bytes:
    empty = _encoded(document | {"padding": ""}, ascii_only=ascii_only)
    missing = size - len(empty)
    padding = "".join(rng.choices(string.ascii_letters + string.digits, k=min(missing, 64))).encode()
    filled = (padding * (missing // max(1, len(padding)) + 1))[:missing]
    # It is inserted after the encoding: letters and digits need no escapes, and there may be a million.
    end = len(b'"}')
    return b"".join((empty[:-end], filled, empty[-end:]))


def _encoded(document: dict[str, object], *, ascii_only: bool) -> bytes:
    # What UTF-8 cannot hold, a lone surrogate, Python's escape writes just as JSON's does.
    return json.dumps(document, ensure_ascii=ascii_only).encode("utf-8", "backslashreplace")
