"""Bodies to deliver: everything that JSON can carry, of many sizes, the same for the same seed."""

from __future__ import annotations

import json
import random
import string

SMALLEST_BYTES = 100
SIZES_BYTES = (100, 180, 400, 1_000, 2_500, 8_000, 30_000, 120_000)
EDGES = (
    "\x00", "\ud800", "\udfff\ud800", "\u2028\u2029", "\ufeff", "\ufffe", "\x7f\x80", '"\\/\b\f\n\r\t',
    "Ünïcödé", "中文", "🧨👩‍👩‍👧", "a\u0301\u200f", "</script><script>", "'; DROP TABLE deliveries; --", "%s%n{}",
)  # fmt: skip
"""Text that careless code trips over: NUL, lone surrogates, separators, markup, quotes."""
NUMBERS = (0, -0.0, 1e308, -1e-308, 2**63, -(2**63) - 1, 10**40, 0.1, True, False, None)


def body(rng: random.Random, *, limit_bytes: int, index: int) -> bytes:
    """Return a JSON document; every thirty-second is as large as the service takes.

    The size follows the index, not chance, so that a short run has small and large ones too.
    """
    size = limit_bytes if index % 32 == 31 else min(rng.choice(SIZES_BYTES), limit_bytes)
    document = {
        "index": index,
        "text": rng.choice(EDGES) + rng.choice(EDGES),
        "number": rng.choice(NUMBERS),
        "nested": _nested(rng, depth=rng.randrange(1, 12)),
        rng.choice(EDGES): rng.choice(EDGES),
    }
    return _padded(document, size, rng)


def _nested(rng: random.Random, *, depth: int) -> object:
    inner: object = rng.choice(EDGES)
    for level in range(depth):
        inner = {f"level {level}": inner} if rng.random() < 0.5 else [inner]  # a coin
    return inner


def _padded(document: dict[str, object], size: int, rng: random.Random) -> bytes:
    # ensure_ascii at random: a surrogate can only be written as an escape, a letter in both ways.
    text = json.dumps(document | {"padding": ""})
    missing = max(0, size - len(text))
    padding = "".join(rng.choices(string.ascii_letters + string.digits, k=min(missing, 64)))
    filled = (padding * (missing // max(1, len(padding)) + 1))[:missing]
    return json.dumps(document | {"padding": filled}).encode("ascii")
