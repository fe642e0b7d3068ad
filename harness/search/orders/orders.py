"""Every order in which the statements of several requests can be let through, found by trying.

Which statement a request sends next depends on what it has seen, and a lock keeps some orders from
ever happening. So the orders are not written down beforehand: one is played, and where it could have
gone on otherwise, it is played again up to there and goes on otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import UsageError

Order = tuple[int, ...]
"""Whose statement is let through, one after the other; requests count from 1."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One statement let through: whose it was, and whose it could have been (sorted)."""

    chosen: int
    possible: Order


def next_order(played: Sequence[Choice]) -> Order | None:
    """Return how the next order begins, in lexicographic order; None when all were played.

    Whoever plays it takes the first possible request wherever the beginning says no more.
    """
    for depth in range(len(played) - 1, -1, -1):
        later = [other for other in played[depth].possible if other > played[depth].chosen]
        if later:
            return (*(choice.chosen for choice in played[:depth]), later[0])
    return None


def choose(possible: Sequence[int], beginning: Order, depth: int) -> int | None:
    """Whose turn it is: the beginning's, where it goes so far; None where that one cannot go on."""
    if depth >= len(beginning):
        return min(possible)
    return beginning[depth] if beginning[depth] in possible else None


def written(order: Sequence[int]) -> str:
    """`121122`."""
    return "".join(str(each) for each in order)


def read_order(text: str, requests: int) -> Order:
    """Read `121122`. Raises UsageError."""
    valid = [str(number) for number in range(1, requests + 1)]
    for letter in text:
        if letter not in valid:
            raise UsageError.at("command line", "--order", text, f"{letter!r} is no request", valid=valid)
    if not text:
        raise UsageError.at("command line", "--order", text, "empty", mend="write an order, such as 1212")
    return tuple(int(letter) for letter in text)


__all__ = ["Choice", "Order", "choose", "next_order", "read_order", "written"]
