"""Drops some of the segments that arrive at one socket of the relay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.processes.socket_filter import AnySocket, Filter, attach, detach, dropped


@dataclass(slots=True)
class _Loss:
    """A filter, and how many segments the kernel had dropped before it. `ended_at`: the count at its end."""

    filter: Filter
    begun_at: int
    ended_at: int | None = None


class Cable:
    """Drops segments for several faults at once: the strongest filter counts, and each loss has its own count.

    `end`: returns the socket, or None while there is none; then requests are carried out when it is `laid`.
    """

    __slots__ = ("_dropped", "_earlier", "_end", "_losses")

    def __init__(self, end: Callable[[], AnySocket | None]) -> None:
        self._end = end
        self._losses: dict[str, _Loss] = {}
        self._dropped = 0
        self._earlier = 0  # what sockets before this one have dropped

    def lose(self, loss_id: str, chosen: Filter) -> None:
        """Drop what this filter drops until `restore`. Raises OSError if the kernel refuses."""
        known = self._losses.get(loss_id)
        if known is None:
            loss = self._losses[loss_id] = _Loss(chosen, 0)
            self.note()
            loss.begun_at = self._dropped
        else:
            known.filter = chosen
        self._apply()

    def restore(self, loss_id: str) -> None:
        """End that loss. Its count is kept."""
        self.note()
        known = self._losses.get(loss_id)
        if known is not None and known.ended_at is None:
            known.ended_at = self._dropped
            self._apply()

    def laid(self) -> None:
        """There is a new socket, which may have inherited a listener's filter: put the right filter on it."""
        self._earlier = self._dropped
        self._apply()

    def note(self) -> None:
        """Remember the kernel's count so far, because it disappears with the socket."""
        end = self._end() if self._losses else None
        if end is not None:
            self._dropped = self._earlier + dropped(end)

    def lost(self, loss_id: str) -> int:
        """How many segments were dropped while that filter was on."""
        known = self._losses.get(loss_id)
        if known is None:
            return 0
        self.note()
        return (self._dropped if known.ended_at is None else known.ended_at) - known.begun_at

    def _apply(self) -> None:
        end = self._end()
        if end is None:
            return
        strongest = max(
            (each.filter for each in self._losses.values() if each.ended_at is None),
            key=lambda chosen: chosen.strength, default=None,
        )  # fmt: skip
        if strongest is None:
            detach(end)
        else:
            attach(end, strongest)
