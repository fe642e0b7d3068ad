"""Keeps the garbage collector from scanning long-lived objects again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

OBJECTS_BEFORE_COLLECTION = 20_000
"""A run makes many objects, and most are freed without a collection."""


@contextmanager
def settled_heap() -> Iterator[None]:
    """Collect garbage, and exclude the objects that are loaded by now from collections, while the block lasts."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BEFORE_COLLECTION, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
