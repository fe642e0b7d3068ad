"""The life of one delivery that is changed and removed: what may be stored, by all requests and answers about it.

At first nothing is stored. Each request takes effect at one moment between its sending and its answer. A request
without an answer takes effect at any later moment, or never; a refused request never does. Every reading shows what is
stored at one such moment. All of this must fit one order of the moments.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

NOTHING: Final = ""
"""Nothing is stored. Otherwise the state is the digest of a body."""
Worlds = frozenset[tuple[str, frozenset[int]]]
"""Every state that may be stored, with the open acts that have taken effect in it."""


class Does(enum.Enum):
    """What an act does or shows."""

    STORE = enum.auto()
    """Store this body, unless one is stored."""
    CHANGE = enum.auto()
    """Replace the stored body with this one, or with nothing to remove it."""
    TELL = enum.auto()
    """Show that this is stored; None: anything but nothing."""


@dataclass(frozen=True, slots=True)
class Act:
    """A request or a reading. `ended`: infinite if it is unknown whether it has taken effect. Times in nanoseconds."""

    does: Does
    body: str | None
    began: float
    ended: float = math.inf

    def after(self, stored: str) -> Iterable[str]:
        """What may be stored after it has taken effect; nothing if it cannot take effect now."""
        match self.does:
            case Does.STORE:
                return (stored or self.body or NOTHING,)
            case Does.CHANGE:
                # A removal may be repeated; a change of a missing delivery has no effect.
                return (self.body or NOTHING,) if stored or not self.body else ()
            case Does.TELL:
                told = stored != NOTHING if self.body is None else stored == self.body
                return (stored,) if told else ()


@dataclass(frozen=True, slots=True)
class Untrue:
    """The place of an act that fits no order, and what may have been stored before it ended."""

    act: int
    may_be: frozenset[str]


def untrue(acts: Sequence[Act]) -> Untrue | None:
    """Return the first act, by its end, that does not fit what came before; None if all fit."""
    worlds: Worlds = frozenset({(NOTHING, frozenset())})
    open_acts: set[int] = set()
    # Of two acts at one moment the one that begins comes first: they may overlap.
    moments = sorted(
        [(act.began, 0, place) for place, act in enumerate(acts)]
        + [(act.ended, 1, place) for place, act in enumerate(acts) if act.ended < math.inf]
    )
    for _, ends, place in moments:
        if not ends:
            open_acts.add(place)
            continue
        reached = _reached(worlds, [(each, acts[each]) for each in open_acts])
        open_acts.discard(place)
        worlds = frozenset((stored, done - {place}) for stored, done in reached if place in done)
        if not worlds:
            return Untrue(place, frozenset(stored for stored, done in reached))
    return None


def _reached(worlds: Worlds, open_acts: Sequence[tuple[int, Act]]) -> Worlds:
    """Every world that open acts can lead to, in any order."""
    found, new = set(worlds), set(worlds)
    while new:
        new = {
            (after, done | {place})
            for stored, done in new
            for place, act in open_acts
            if place not in done
            for after in act.after(stored)
        } - found
        found |= new
    return frozenset(found)


__all__ = ["NOTHING", "Act", "Does", "Untrue", "untrue"]
