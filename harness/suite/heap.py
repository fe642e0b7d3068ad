"""Keeps the garbage collector from scanning long-lived objects again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

OBJECTS_BEFORE_COLLECTION = 20_000
"""A run makes many objects, and drops most of them without a collection's help."""


@contextmanager
def settled_heap() -> Iterator[None]:
    """Collect what is garbage, and leave alone what is loaded by now, as long as the block lasts."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BEFORE_COLLECTION, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
