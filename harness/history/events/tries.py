"""How often the service sent a statement for one request, as the relay counted it."""

from __future__ import annotations

from dataclasses import dataclass

from harness.history.events.event import Event
from harness.vocabulary import Value


@dataclass(frozen=True, repr=False)
class TryMade(Value, kind="try"):
    """One send of a statement. `t_ns`: CLOCK_MONOTONIC.

    `answer`: `ok`, the error's code, `lost` if the connection ended before its answer, `passed over` if the server
    skipped it because of an earlier error, or empty if it was still unanswered. `final`: that error does not go away.
    """

    t_ns: int
    answer: str
    final: bool = False

    @property
    def failed(self) -> bool:
        """Whether an error or nothing answered it."""
        return self.answer not in ("", "ok", "passed over")


@dataclass(frozen=True, repr=False)
class TriesCounted(Event, kind="tries.counted"):
    """The counts on a link since the scenario's beginning, and the target's limits.

    `statements`: how many that name a delivery were sent, each counted once for each delivery. `failed`: how many of
    these failed at least once. `left_out`: how many are in no `SentAgain`, because there were too many.
    """

    link: str
    statements: int
    failed: int
    left_out: int
    tries_at_most: int
    mean_pause_ms: float | None = None
    retries_per_s: int | None = None


@dataclass(frozen=True, repr=False)
class AskedForWrong(Event, kind="asked_for_wrong"):
    """`ids`: the requests, among `wrong` ones that must be rejected, for which something was sent over the link."""

    link: str
    wrong: int
    ids: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class SentAgain(Event, kind="sent_again"):
    """A statement that failed, and was sent again for the same delivery. `more`: how many tries are not listed.

    `delivery` is empty for a statement that names none: then these are one connection's tries that got an error.
    """

    link: str
    statement: str
    delivery: str
    tries: tuple[TryMade, ...]
    more: int = 0
