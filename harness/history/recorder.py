"""Appends events to a history, in memory and as JSON lines, in the order in which they happened."""

from __future__ import annotations

import bisect
import contextlib
import itertools
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeAlias, TypeVar, overload

from harness.errors import UsageError
from harness.history.events import Event
from harness.vocabulary import from_json, to_json

VERSION = 3
"""Version 1 had faults, steps, moments and figures as Python source. An older history is refused by its version."""
EventT = TypeVar("EventT", bound=Event)
MadeT = TypeVar("MadeT")
_Index: TypeAlias = defaultdict[type, "list[tuple[Entry, Any]]"]
"""The events by class, including its subclasses, in order, each with its entry."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event, the time of its recording (`t_ns`, CLOCK_MONOTONIC), and the part that recorded it (`lane`)."""

    seq: int
    t_ns: int
    lane: str
    event: Event

    def line(self) -> str:
        """The entry as a line of JSON."""
        data = to_json(self.event)
        if not isinstance(data, dict):
            raise TypeError(f"{self.event!r} is not an event")
        kind = data.pop("kind")
        return json.dumps(
            {"v": VERSION, "seq": self.seq, "t_ns": self.t_ns, "lane": self.lane, "kind": kind, "data": data}
        )


class Recorder:
    """One run's history. Used from the run's own event loop only."""

    def __init__(self, file: IO[str] | None = None, watch: Callable[[Entry], None] | None = None) -> None:
        self._entries: list[Entry] = []
        self._index: _Index = defaultdict(list)
        self._file = file
        self.unwritten = ""
        """Why the file lacks entries; empty while it has all. The history in memory is still complete."""
        self._watchers = [watch] if watch else []

    def follow(self, watch: Callable[[Entry], None]) -> None:
        """Show each further entry to one more function."""
        self._watchers.append(watch)

    def record(self, lane: str, event: Event, *, t_ns: int | None = None) -> Entry:
        """Append an event. Each line is on disk before the next begins, however the run ends."""
        entry = Entry(len(self._entries), time.monotonic_ns() if t_ns is None else t_ns, lane, event)
        self._entries.append(entry)
        for each in type(event).__mro__:
            self._index[each].append((entry, event))
        if self._file is not None and not self.unwritten:
            try:
                self._file.write(entry.line() + "\n")
                self._file.flush()
            except OSError as problem:  # a full disk does not change what the run shows
                self.unwritten = str(problem)
        for watch in self._watchers:
            watch(entry)
        return entry

    def mark(self) -> int:
        """The sequence number that the next entry will get."""
        return len(self._entries)

    @property
    def history(self) -> History:
        """The history so far. It does not change when more is recorded."""
        return History(_Beginning(self._entries, len(self._entries)), self._index)


class _Beginning(Sequence[Entry]):
    """The first entries of a list that only grows.

    It does not copy them: while a run waits for a moment, it reads its history a hundred times a second.
    """

    __slots__ = ("_entries", "_length")

    def __init__(self, entries: Sequence[Entry], length: int) -> None:
        self._entries = entries
        self._length = length

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, place: int) -> Entry: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Entry]: ...

    def __getitem__(self, place: int | slice) -> Entry | Sequence[Entry]:
        if isinstance(place, slice):
            return [self._entries[each] for each in range(*place.indices(self._length))]
        return self._entries[range(self._length)[place]]

    def __iter__(self) -> Iterator[Entry]:
        return itertools.islice(self._entries, self._length)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # like a list's


@dataclass(frozen=True, slots=True)
class History:
    """A finished, or so far recorded, sequence of entries."""

    entries: Sequence[Entry]
    _index: _Index | None = field(default=None, repr=False, compare=False)
    """The recorder's own index, which may have later entries, too; None: it is made when it is first needed."""
    _made: dict[Callable[[History], Any], Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, make: Callable[[History], MadeT]) -> MadeT:
        """Return `make`'s result for this history. It is called only once, because a history does not change."""
        if make not in self._made:
            self._made[make] = make(self)
        made: MadeT = self._made[make]
        return made

    def of(self, kind: type[EventT], *, since: int = 0) -> Iterator[EventT]:
        """Yield the events of one class, in order, from a mark on."""
        return (event for _, event in self.placed(kind, since=since))

    def entries_of(self, kind: type[Event]) -> Iterator[Entry]:
        """Yield the entries whose event is of one class."""
        return (entry for entry, _ in self.placed(kind))

    def placed(self, kind: type[EventT], *, since: int = 0) -> Iterator[tuple[Entry, EventT]]:
        """Yield the events of one class, each with its entry: its place, and its time."""
        found = self._found(kind)
        begin, end = 0, self._end(found)
        if since:
            begin = _place(found, self.entries[since].seq) if since < len(self.entries) else end
        # To skip the beginning, `islice` would go through it.
        return iter(found[begin:end]) if since else itertools.islice(found, end)

    def last(self, kind: type[EventT]) -> EventT | None:
        """The last event of one class, if there is any."""
        found = self._found(kind)
        end = self._end(found)
        return found[end - 1][1] if end else None

    def _found(self, kind: type[EventT]) -> Sequence[tuple[Entry, EventT]]:
        """Return the events of one class, and perhaps some that were recorded after this history."""
        index = self.once(_by_class) if self._index is None else self._index
        return index.get(kind, ())

    def _end(self, found: Sequence[tuple[Entry, Event]]) -> int:
        """How many entries belong to this history."""
        return len(found) if self._index is None else _place(found, len(self.entries))


def _place(found: Sequence[tuple[Entry, Event]], seq: int) -> int:
    """The index of the first entry with this number or a later one. It is mostly called for the latest entries."""
    if not found or found[-1][0].seq < seq:
        return len(found)
    return bisect.bisect_left(found, seq, key=lambda placed: placed[0].seq)


def _by_class(history: History) -> _Index:
    """Index the entries by every class of their events: the checks of one run ask more than a hundred times."""
    index: _Index = defaultdict(list)
    for entry in history.entries:
        for each in type(entry.event).__mro__:
            index[each].append((entry, entry.event))
    return index


@contextmanager
def recording(path: Path, watch: Callable[[Entry], None] | None = None) -> Iterator[Recorder]:
    """Record into a new file at `path`. A file that could not be written whole is removed at the end."""
    recorder = Recorder(None, watch)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w", encoding="utf-8")
    except OSError as problem:
        recorder.unwritten = str(problem)
        yield recorder
        return
    recorder = Recorder(file, watch)
    try:
        yield recorder
    finally:
        with contextlib.suppress(OSError):  # the end of a full disk's file: known already
            file.close()
        if recorder.unwritten:
            path.unlink(missing_ok=True)


def read_history(path: Path) -> History:
    """Read a history back.

    Raises UsageError that names the line, also for an unfinished last line of a killed run, because an incomplete
    history must not count as complete.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(f"{path}: cannot be read: {problem}", hint="name a history file") from problem
    return History(tuple(_entry(line, n, f"{path}: line {n + 1}") for n, line in enumerate(lines)))


def _entry(line: str, seq: int, place: str) -> Entry:
    try:
        raw = json.loads(line)
        _check_head(raw, seq, place)
        event = from_json({"kind": raw["kind"], **raw["data"]}, Event, place=place)
        return Entry(seq, raw["t_ns"], raw["lane"], event)
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        # ValueError: no JSON, or a number with more digits than Python reads.
        text = f"{place}: not a line of a history: {type(problem).__name__}: {problem}"
        raise UsageError(text, hint="was the run killed? delete this line") from problem


def _check_head(raw: dict[str, Any], seq: int, place: str) -> None:
    if raw["v"] != VERSION:
        mend = "read it with the harness that wrote it"
        raise UsageError.at(place, "v", raw["v"], "not a history of this version", valid=[str(VERSION)], mend=mend)
    if raw["seq"] != seq:
        mend = f"restore the line with seq {seq}"
        raise UsageError.at(place, "seq", raw["seq"], "a line is missing, or there twice", mend=mend)
    for key, kind in (("t_ns", int), ("lane", str)):
        if not isinstance(raw[key], kind) or isinstance(raw[key], bool):
            raise UsageError.at(place, key, raw[key], f"expected {kind.__name__}", mend=f"write {kind.__name__}")
