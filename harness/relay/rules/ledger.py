"""The connections of one hop: how each is used, who ended it, and when no answer was due on any of them."""

from __future__ import annotations

import time
from collections import deque
from typing import Final

from harness.relay.control.ledger import Life, Quiet

LIVES_MAX: Final = 2_000
QUIET_MAX: Final = 2_000
QUIET_AT_LEAST_NS: Final = 80_000_000


class Ledger:
    """The record of a hop's connections. Their number is limited: the first ones to end are forgotten."""

    __slots__ = ("_ended", "_open", "_quiet", "_quiet_since", "_working", "forgotten")

    def __init__(self) -> None:
        self._open: dict[int, LifeUnderWay] = {}
        self._ended: deque[Life] = deque(maxlen=LIVES_MAX)
        self._quiet: deque[Quiet] = deque(maxlen=QUIET_MAX)
        self._working = 0
        self._quiet_since = time.monotonic_ns()
        self.forgotten = 0

    def begin(self) -> None:
        """Forget the connections that have ended, and the times when nothing was due."""
        self._ended.clear()
        self._quiet.clear()
        self.forgotten = 0

    def opened(self, number: int, t_ns: int) -> LifeUnderWay:
        """Keep a new connection, which is being opened."""
        life = self._open[number] = LifeUnderWay(self, number, t_ns)
        self.works(t_ns)
        return life

    def works(self, t_ns: int) -> None:
        """One more connection waits for an answer, or is being opened."""
        self._working += 1
        if self._working == 1 and t_ns - self._quiet_since >= QUIET_AT_LEAST_NS:
            self._quiet.append((self._quiet_since, t_ns))

    def rests(self, t_ns: int) -> None:
        """One connection less waits."""
        self._working -= 1
        if not self._working:
            self._quiet_since = t_ns

    def ended(self, life: LifeUnderWay, t_ns: int) -> None:
        """Move a connection to the ended ones."""
        if self._open.pop(life.number, None) is None:
            return
        if len(self._ended) == LIVES_MAX:
            self.forgotten += 1
        self._ended.append(life.told(t_ns))

    def lives(self) -> tuple[Life, ...]:
        """Every recorded connection, in the order in which they were opened."""
        told = (*self._ended, *(life.told() for life in self._open.values()))
        return tuple(sorted(told, key=lambda life: life.number))

    def quiet(self, now_ns: int) -> tuple[Quiet, ...]:
        """When nothing was due for 80 ms or longer; the last such time may go on."""
        goes_on = not self._working and now_ns - self._quiet_since >= QUIET_AT_LEAST_NS
        return (*self._quiet, *([(self._quiet_since, now_ns)] if goes_on else ()))


class LifeUnderWay:
    """One connection, from its opening on. It is working while it is being opened or waits for an answer."""

    __slots__ = (
        "_by", "_holds", "_idle_max_ns", "_ledger", "_open_since", "_opening", "_used_from", "_used_until", "_uses",
        "_works", "number",
    )  # fmt: skip

    def __init__(self, ledger: Ledger, number: int, t_ns: int) -> None:
        self._ledger = ledger
        self.number = number
        self._open_since = t_ns
        self._opening = self._works = True
        self._holds = False
        self._uses = self._used_from = self._used_until = self._idle_max_ns = 0
        self._by = ""

    def works(self, t_ns: int) -> None:
        """Note that it waits for an answer."""
        if self._opening:
            return
        self._used_from = t_ns
        if self._works:
            return
        self._works = True
        self._ledger.works(t_ns)
        if not self._holds:
            self._uses += 1
            self._idle_max_ns = max(self._idle_max_ns, t_ns - self._used_until if self._used_until else 0)

    def rests(self, t_ns: int, *, holds: bool = False) -> None:
        """Note that nothing is due on it. `holds`: a transaction is open."""
        if not self._works:
            return
        self._works, self._holds = False, holds
        self._ledger.rests(t_ns)
        if not self._opening and not holds:
            self._used_until = t_ns
        self._opening = False

    def ended(self, t_ns: int, by: str, *, in_use: bool) -> None:
        """Note its end. `in_use`: although nothing is due, the service has not had the last answer."""
        if self._by:
            return
        self._by = by
        if self._works:
            self._ledger.rests(t_ns)
        self._holds = self._holds or in_use
        self._ledger.ended(self, t_ns)

    def told(self, ended_ns: int = 0) -> Life:
        """Everything that is known about it."""
        in_use = bool(ended_ns) and (self._works or self._holds)
        return Life(
            number=self.number, opened_ns=self._open_since, uses=self._uses, used_from_ns=self._used_from,
            used_until_ns=self._used_until, ended_ns=ended_ns, by=self._by, in_use=in_use,
            idle_max_ms=self._idle_max_ns / 1e6,
        )  # fmt: skip
