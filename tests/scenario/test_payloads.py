"""Bodies: the same for the same seed, of every size, and of everything that JSON can carry."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from harness.engine.workload.payloads import EDGES, SIZES_BYTES, same_size, varied

LIMIT_BYTES = 20_000


def bodies(count: int, *, seed: int = 0, limit_bytes: int = LIMIT_BYTES) -> list[bytes]:
    rng = random.Random(seed)  # noqa: S311  # repeatable on purpose
    return [varied(rng, index, limit_bytes=limit_bytes) for index in range(count)]


def test_the_same_seed_gives_the_same_bodies() -> None:
    assert bodies(40, seed=5) == bodies(40, seed=5)
    assert bodies(40, seed=5) != bodies(40, seed=6)


@pytest.mark.parametrize("limit_bytes", [100, 101, 150, 999, LIMIT_BYTES, 1_048_576])
def test_no_body_is_smaller_than_100_bytes_or_larger_than_the_limit(limit_bytes: int) -> None:
    sizes = [len(each) for each in bodies(64, limit_bytes=limit_bytes)]
    assert min(sizes) == 100
    assert max(sizes) == limit_bytes
    assert [sizes[31], sizes[63]] == [limit_bytes, limit_bytes]


def test_sizes_are_exact() -> None:
    sizes = {len(each) for each in bodies(200)}
    assert sizes == {min(size, LIMIT_BYTES) for size in SIZES_BYTES}


@pytest.mark.parametrize("seed", range(5))
def test_every_body_is_json_in_utf_8(seed: int) -> None:
    for index, each in enumerate(bodies(64, seed=seed)):
        assert json.loads(each.decode("utf-8"))["index"] == index


def test_no_two_bodies_are_equal() -> None:
    assert len(set(bodies(300, limit_bytes=100))) == 300


def test_bodies_of_one_size_differ() -> None:
    rng = random.Random(3)  # noqa: S311  # repeatable on purpose
    made = [same_size(rng, index) for index in range(50)]
    assert {len(each) for each in made} == {120}
    assert len({json.loads(each)["number"] for each in made}) == 50


def test_a_sample_holds_everything_that_trips_careless_code() -> None:
    sample = bodies(300)
    for escape in (b"\\u0000", b"\\ud800", b"\\u2028", rb"\"\\/", b"</script>"):
        assert any(escape in each for each in sample), escape
    for raw in ("Ünïcödé", "中文", "🧨", "\u2028", "\x7f"):
        assert any(raw.encode() in each for each in sample), raw
    assert any(each.isascii() for each in sample)
    # Beside raw letters too, where only an escape can write it.
    assert any(rb"\ud800" in each and not each.isascii() for each in sample)
    texts = "".join(_texts([json.loads(each) for each in sample]))
    assert all(edge in texts for edge in EDGES)


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for key, inner in value.items() for text in [key, *_texts(inner)]]
    if isinstance(value, list):
        return [text for inner in value for text in _texts(inner)]
    return [value] if isinstance(value, str) else []
