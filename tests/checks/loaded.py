"""A run whose service is loaded, disturbed, and watched on its way back."""

from __future__ import annotations

import time

from harness.history.events import (
    CoresSeen,
    DisturbanceBegan,
    DisturbanceGone,
    GoodputWatched,
    LoadBegan,
    LoadEnded,
    Named,
    Purpose,
    RequestEnded,
    RequestSent,
)
from harness.vocabulary import ACKNOWLEDGED, UNKNOWN, Outcome
from tests.checks.support import Story, digest_of, middle, rest

PATIENCE_MS = 400.0


class Loaded:
    """Tells of requests that arrive 40 a second for six seconds, from six seconds ago."""

    def __init__(self, *, per_s: float = 40.0) -> None:
        self.story = middle()
        self._began_ns = time.monotonic_ns() - 6_000_000_000
        self._number = 1_000
        self._at(0, LoadBegan(1, per_s, PATIENCE_MS, 3))

    def _at(self, at_s: float, event: object) -> None:
        self.story.tell_at(self._began_ns + round(at_s * 1e9), event)  # type: ignore[arg-type]  # an event

    def requests(self, count: int, from_s: float, to_s: float, outcome: Outcome = ACKNOWLEDGED) -> Loaded:
        """Tell of so many that ended then, evenly. Those without an outcome were given up."""
        for index in range(count):
            self._number += 1
            at_s = from_s + (to_s - from_s) * index / count
            sent = RequestSent(
                self._number, "a", digest_of("a"), 100, Purpose.SCENARIO.value, ACKNOWLEDGED, load=1,
                patience_ms=PATIENCE_MS,
            )  # fmt: skip
            self._at(at_s - 0.001, sent)
            ended = RequestEnded(self._number, outcome, 1.0, 200, "stored")
            if outcome == UNKNOWN:
                ended = RequestEnded(
                    self._number, UNKNOWN, PATIENCE_MS, waiting_for=("postgres",), hung_up_at=Named("patience")
                )
            self._at(at_s, ended)
        return self

    def cores(self, at_s: float, cores: CoresSeen) -> Loaded:
        """Tell of the machine's cores until then."""
        self._at(at_s, cores)
        return self

    def disturbed(self, from_s: float = 1, to_s: float = 2, *, back_to: float = 0.8, late_ms: float = 0.5) -> Story:
        """Tell of the disturbance; from a second after its end on the goodput is watched, for a second."""
        self._at(from_s, DisturbanceBegan(1))
        self._at(to_s, DisturbanceGone(1, 1.0, back_to))
        self._at(to_s + 2.0, GoodputWatched(1))
        self._at(to_s + 2.1, LoadEnded(1, 100, late_ms))
        return rest(self.story)


def collapsed(*cores: CoresSeen) -> Story:
    """It never comes back: nearly all are given up. `cores`: those of the first second, and those of the rest."""
    load = Loaded().requests(40, 0, 1).requests(40, 1, 2, UNKNOWN)
    for at_s, seen in zip((1, 4), cores, strict=False):
        load.cores(at_s, seen)
    return load.requests(8, 3, 4).requests(60, 2, 4, UNKNOWN).disturbed()
