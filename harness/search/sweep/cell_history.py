"""The history of one cell, kept in memory until its batch is judged; then it is written into its lane's file."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import IO

from harness.history import Entry, History
from harness.history.events import Event, Purpose, RequestEnded, RequestSent, RowsRead, StoredRow
from harness.search.sweep.http import Reply
from harness.target import Delivery
from harness.vocabulary import Outcome

ANSWER_CHARACTERS_KEPT = 1_000
STORY_LINES = 30
"""At either end of a story."""


class CellHistory:
    """Requests, faults, evidence and rows of one cell."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._requests = 0
        self.deliveries: dict[str, Delivery] = {}
        """Every delivery that the cell sent, by its id."""

    def record(self, lane: str, event: Event) -> None:
        """Append an event, as of now."""
        self._entries.append(Entry(len(self._entries), time.monotonic_ns(), lane, event))

    def sent(self, delivery: Delivery, purpose: Purpose, expected: Outcome | None = None, *, name: str = "") -> int:
        """Take down that a request goes out; returns its number. `name`: what stands for the delivery's id."""
        number = self._requests
        self._requests += 1
        if not name:
            self.deliveries[delivery.id] = delivery
        size = len(delivery.body)
        self.record("client", RequestSent(number, name or delivery.id, delivery.digest, size, purpose.value, expected))
        return number

    def ended(self, number: int, reply: Reply) -> None:
        """Take down its end."""
        text = reply.body[:ANSWER_CHARACTERS_KEPT].decode("utf-8", "backslashreplace")
        ending = RequestEnded(number, reply.outcome, round(reply.took_ms, 3), reply.status, text, reply.problem)
        self.record("client", ending)

    def retold(self, delivery: Delivery, purpose: Purpose, reply: Reply, *, began_ns: int) -> None:
        """Take down a request that was sent for this cell while another was tried."""
        number = self.sent(delivery, purpose)
        sent = self._entries[-1]
        self._entries[-1] = Entry(sent.seq, began_ns, sent.lane, sent.event)
        self.ended(number, reply)

    def rows(self, stored: Iterable[StoredRow]) -> None:
        """Take down what of the cell's own deliveries is stored."""
        self.record("runner", RowsRead(tuple(row for row in stored if row.id in self.deliveries)))

    @property
    def history(self) -> History:
        """As the checks read it."""
        return History(tuple(self._entries))

    def story(self) -> Sequence[str]:
        """One line an event, for people: when, in milliseconds, by whom, and what."""
        began = self._entries[0].t_ns if self._entries else 0
        lines = [f"{(each.t_ns - began) / 1e6:9.1f} ms  {each.lane:8} {each.event!r}" for each in self._entries]
        left_out = len(lines) - 2 * STORY_LINES
        if left_out <= 0:
            return lines
        return [*lines[:STORY_LINES], f"... {left_out} more, in the file ...", *lines[-STORY_LINES:]]


class HistoryFile:
    """The histories of all cells of a lane, one after the other, in one file that `read_history` reads."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._lines = 0

    def write(self, cell: CellHistory) -> tuple[int, int]:
        """Append a cell; returns its first and last line, from 1."""
        first = self._lines + 1
        for entry in cell.history.entries:
            self._file.write(Entry(self._lines, entry.t_ns, entry.lane, entry.event).line() + "\n")
            self._lines += 1
        self._file.flush()
        return first, self._lines
