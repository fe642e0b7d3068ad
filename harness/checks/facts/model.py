"""A small model of one id: what may be stored under it, given what was sent, answered and read.

At first nothing is stored. One request may store its body, at a moment between its sending and its answer, or later if
no answer came. From then on that body stays. All statements about the id must fit one such course of events.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

NOTHING: Final = ""
"""Stored under an id: nothing. Otherwise it is the digest of a body."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What must be stored if a statement is true: one of `only` (None: anything), and none of `never`."""

    only: frozenset[str] | None = None
    never: frozenset[str] = frozenset()

    def fits(self, stored: str) -> bool:
        """Whether the statement is true if this is stored."""
        return stored not in self.never and (self.only is None or stored in self.only)

    @property
    def says_something(self) -> bool:
        """Whether it excludes anything."""
        return self.only is not None or bool(self.never)


NO_CLAIM: Final = Claim()


def only(*stored: str) -> Claim:
    """One of these is stored."""
    return Claim(only=frozenset(stored))


def never(*stored: str) -> Claim:
    """None of these is stored."""
    return Claim(never=frozenset(stored))


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A request, or a reading, of one id.

    It takes effect at some moment from `began` to `ended` (nanoseconds; infinite for a request without an answer, which
    may act at any time, or never). If nothing is stored by then, it may store the body `stores`. Right after that
    moment its `claim` is true; the claim must allow that body. `kind`: the sort of operation, for the words of a
    contradiction.
    """

    began: float
    ended: float = math.inf
    stores: str = NOTHING
    claim: Claim = NO_CLAIM
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two operations, by their places, whose claims cannot both be true. The first ended no later than the second.

    `first` is None if no request can explain the second's claim.
    """

    first: int | None
    second: int


def may_be_stored(operations: Sequence[Operation]) -> frozenset[str]:
    """What may be stored in the end: bodies, and `NOTHING`. It is empty if the operations contradict each other."""
    return frozenset(_possible(operations, [each for each in operations if each.stores]))


def contradictions(operations: Sequence[Operation]) -> Sequence[Contradiction]:
    """Name the operations that contradict each other; none if all can be true.

    Of many operations of one kind with the same claim only the earliest and the latest can be named first. If no two of
    them contradict each other, but several together do, the last two of a smallest such group are named.
    """
    if _agree(operations, [each for each in operations if each.stores]):
        return ()
    claiming = [place for place, each in enumerate(operations) if each.claim.says_something]
    told = sorted(claiming, key=lambda place: operations[place].ended)
    return [*_pairs(operations, told)] or [_of_a_group(operations, told)]


def _pairs(operations: Sequence[Operation], told: Sequence[int]) -> Iterator[Contradiction]:
    storing = [each for each in operations if each.stores]
    earliest: dict[tuple[str, Claim], int] = {}
    latest: dict[tuple[str, Claim], int] = {}
    for second in told:
        this = operations[second]
        if not _agree([this], storing):
            yield Contradiction(None, second)
            continue
        for first in sorted({*earliest.values(), *latest.values()}):
            if not _agree([operations[first], this], storing):
                yield Contradiction(first, second)
        like = this.kind, this.claim
        earliest.setdefault(like, second)
        if this.began >= operations[latest.setdefault(like, second)].began:
            latest[like] = second


def _of_a_group(operations: Sequence[Operation], told: Sequence[int]) -> Contradiction:
    """Drop every operation that the contradiction does not need, the latest first."""
    storing = [each for each in operations if each.stores]
    group = list(told)
    for place in reversed(told):
        without = [each for each in group if each != place]
        if not _agree([operations[each] for each in without], storing):
            group = without
    return Contradiction(group[-2], group[-1])


def _agree(claims: Collection[Operation], storing: Iterable[Operation]) -> bool:
    """Whether these claims can be true together."""
    return next(_possible(claims, storing), None) is not None


def _possible(claims: Collection[Operation], storing: Iterable[Operation]) -> Iterator[str]:
    """What may be stored in the end, if these claims are true, and one of `storing` may have stored its body."""
    if all(each.claim.fits(NOTHING) for each in claims):
        yield NOTHING
    windows: dict[str, tuple[float, float] | None] = {}
    for each in storing:
        if each.stores not in windows:
            windows[each.stores] = _window(claims, each.stores)
        window = windows[each.stores]
        if window is not None and max(each.began, window[0]) <= min(each.ended, window[1]):
            yield each.stores


def _window(claims: Iterable[Operation], body: str) -> tuple[float, float] | None:
    """When the body may have been stored, so that every claim is true before or after that; None: never."""
    began, ended = -math.inf, math.inf
    for each in claims:
        before, after = each.claim.fits(NOTHING), each.claim.fits(body)
        if not before and not after:
            return None
        if not after:
            began = max(began, each.began)
        if not before:
            ended = min(ended, each.ended)
    return began, ended


__all__ = [
    "NOTHING",
    "NO_CLAIM",
    "Claim",
    "Contradiction",
    "Operation",
    "contradictions",
    "may_be_stored",
    "never",
    "only",
]
