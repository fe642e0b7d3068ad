"""The deliveries of one run. Their ids and bodies depend only on a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

from harness.engine.workload import payloads
from harness.target import SOURCE, Delivery
from harness.vocabulary.ids import EVERY_ID, Naming, named_by, seed_of

Body = Callable[[random.Random, int], bytes]
"""Makes the body of the delivery with this index, counted from 0."""


class Deliveries:
    """Makes one delivery after the other. The same `seed` gives the same deliveries."""

    def __init__(self, seed: str, body: Body, *, small: Body = payloads.same_size) -> None:
        self.seed = seed
        self._body = body
        self._small = small
        self._rng = random.Random(seed)  # noqa: S311  # repeatable on purpose
        self._prefix = seed_of(seed)
        self._made = 0

    def pattern(self, naming: Naming) -> str:
        """Return an expression that finds the id of any delivery of this run, or what stands for it."""
        return named_by(self._prefix, naming)

    def names_to_come(self, count: int) -> tuple[tuple[str, str], ...]:
        """Return the source and the ids of the next deliveries, without making them."""
        return tuple((SOURCE, self._name_at(index)) for index in range(self._made, self._made + count))

    def _name_at(self, index: int) -> str:
        return f"{EVERY_ID}{self._prefix}_{index:06}"

    def next(self, *, small: bool = False) -> Delivery:
        """Make the next delivery. `small`: see `payloads.small`."""
        index = self._made
        self._made += 1
        return Delivery(self._name_at(index), SOURCE, (self._small if small else self._body)(self._rng, index))


def of_every_size(seed: str, limit_bytes: int) -> Deliveries:
    """Make deliveries that use everything that JSON can carry. The largest has `limit_bytes`. Scenarios use these."""
    varied, small = (partial(make, limit_bytes=limit_bytes) for make in (payloads.varied, payloads.small))
    return Deliveries(seed, varied, small=small)


def of_the_contract(seed: str) -> Deliveries:
    """Make the contract's own deliveries, which are small and differ from the scenario's.

    `seed`: the scenario's seed.
    """
    return of_one_size(f"{seed}/contract")


def of_one_size(seed: str) -> Deliveries:
    """Make small deliveries of one size, so that a message has the same length in each. Sweeps use these."""
    return Deliveries(seed, payloads.same_size)
