"""Finds every order in which the statements of several requests can reach the server, by trying.

Which statement a request sends next depends on what it has read, and a lock prevents some orders. So the orders cannot
be listed in advance. One is played. Then it is played again up to a point where another request could have continued,
and goes on with that request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import UsageError

Order = tuple[int, ...]
"""The numbers of the requests whose statements were released, in sequence. Requests count from 1."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One released statement: its request, and the requests that could have been next (sorted)."""

    chosen: int
    possible: Order


def next_order(played: Sequence[Choice]) -> Order | None:
    """Return the beginning of the next order, in lexicographic order; None when all were played.

    After this beginning, the player always releases the first possible request.
    """
    for depth in range(len(played) - 1, -1, -1):
        later = [other for other in played[depth].possible if other > played[depth].chosen]
        if later:
            return (*(choice.chosen for choice in played[:depth]), later[0])
    return None


def choose(possible: Sequence[int], beginning: Order, depth: int) -> int | None:
    """Return whose turn it is: the one in the beginning, then the first possible.

    None if the one in turn cannot go on.
    """
    if depth >= len(beginning):
        return min(possible)
    return beginning[depth] if beginning[depth] in possible else None


def written(order: Sequence[int]) -> str:
    """Return the order as text: `121122`."""
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
