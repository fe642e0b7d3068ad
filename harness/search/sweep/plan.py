"""Chooses the cells that a sweep tries, and their order, and says what is left out."""

from __future__ import annotations

import difflib
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.errors import UsageError
from harness.protocols.contract.search import SEARCHED
from harness.results.text import counted
from harness.search.recording.places import CUT_INSIDE, KINDS, CellId, Kind, Point
from harness.search.recording.recording import Observed, Recording
from harness.search.space.actions import (
    ACTIONS,
    CLOSING,
    CROWD,
    CROWDED,
    ON_DEMAND,
    crowded,
    error_action,
    inside,
    on_demand,
    sensible,
)

BYTES = "cut@N"
"""In `--actions`: the cells of the byte map."""
PAIRED = (
    *CLOSING,
    *(error_action(error) for searched in SEARCHED.all().values() for error in searched.repeatable),
)
"""The actions of pairs: the service retries after them, and they need no waiting."""
PAIRS_SAMPLED = 300
WORDS_NAMED_MAX = 3
FIRST_OF_PAIR: Kind = "warm"
RETRY: Kind = "fresh"
"""The retry of a delivery whose connection broke uses a new connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The chosen part of the space; empty means all. `only`: a cell's whole id, or any part of it."""

    kinds: tuple[Kind, ...] = ()
    actions: tuple[str, ...] = ()
    only: str = ""
    with_bytes: bool = True
    pairs: bool = False
    limit: int | None = None
    seed: int = 0

    @property
    def part(self) -> bool:
        """Whether the sweep leaves out points of the fault space.

        Byte cells are not points; pairs replace all cells.
        """
        return bool(self.kinds or self.actions or self.only or self.limit is not None or self.pairs)


@dataclass(frozen=True, slots=True)
class Plan:
    """The cells, sorted by their common properties. `left_out`: sentences on what is not tried."""

    cells: tuple[CellId, ...]
    left_out: tuple[str, ...] = ()


def check_choice(choice: Choice) -> None:
    """Raise UsageError for an action or a kind that does not exist: in a whole id, too."""
    for action in choice.actions:
        valid = (*ACTIONS, *ON_DEMAND, CROWD, BYTES)
        if action not in valid:
            raise UsageError.at("command line", "--actions", action, "there is no such action", valid=valid)
    for action in _actions_of(choice.only):
        begun = any(each.startswith(action) for each in (*ACTIONS, *ON_DEMAND, CROWD, CUT_INSIDE))
        if not begun and not action.startswith(CUT_INSIDE):
            raise UsageError.at("command line", "--only: action", action, "there is no such action", valid=ACTIONS)
    for kind in choice.kinds:
        if kind not in KINDS:
            raise UsageError.at("command line", "--kind", kind, "there is no such kind of delivery", valid=KINDS)


def _actions_of(only: str) -> Sequence[str]:
    """Return the actions of a whole id. A partial id means nothing until the messages are recorded."""
    try:
        cell = CellId.parse(only)
    except UsageError:
        return ()
    return [point.action for point in (cell.first, cell.second) if point is not None]


def planned(recordings: Sequence[Recording], choice: Choice) -> Plan:
    """Plan a sweep. Raises UsageError if `only` matches no cell."""
    left_out = [sentence for recording in recordings for sentence in _not_swept(recording)]
    cells = [cell for recording in recordings for cell in _singles(recording, choice)]
    if choice.pairs:
        pairs, unpaired = _pairs(recordings, choice.seed)
        cells = pairs
        left_out += unpaired
    wanted = _wanted(cells, choice)
    if choice.only and not wanted:
        raise _fits_nothing(choice.only, cells)
    if choice.limit is not None and len(wanted) > choice.limit:
        left_out.append(f"{len(wanted) - choice.limit} of {len(wanted)} cells: a sample by seed {choice.seed}")
        wanted = _sample(wanted, choice.limit, choice.seed)
    return Plan(tuple(wanted), tuple(left_out))


def _not_swept(recording: Recording) -> Iterator[str]:
    """Say what a recording lacks: the kind, or messages that only some of its deliveries had."""
    if recording.left_out:
        yield recording.left_out
    elif recording.unsteady:
        count, first = len(recording.unsteady), recording.unsteady[0]
        yield f"{counted(count, 'message')} that only some {recording.kind} deliveries had, {first} the first"


def _singles(recording: Recording, choice: Choice) -> Iterator[CellId]:
    for action in ON_DEMAND:
        # Two copies could not overlap: the first one would wait until its limit.
        if recording.kind != "copies" and action in (*choice.actions, *_actions_of(choice.only)):
            yield from (CellId(recording.kind, point) for point in on_demand(recording.messages, action))
    if recording.kind in CROWDED:
        yield from (CellId(recording.kind, point) for point in crowded(recording.messages))
    for message in recording.messages:
        yield from (CellId(recording.kind, point) for point in sensible(message))
        # Two copies put the same bytes on the wire as one delivery does.
        if choice.with_bytes and recording.kind != "copies":
            yield from (CellId(recording.kind, point) for point in inside(message))


def _wanted(cells: Iterable[CellId], choice: Choice) -> list[CellId]:
    found = [cell for cell in cells if not choice.kinds or cell.kind in choice.kinds]
    if choice.actions:
        found = [cell for cell in found if _named(cell.first.action) in choice.actions]
    if not choice.only:
        return found
    exact = [cell for cell in found if str(cell) == choice.only]
    return exact or [cell for cell in found if choice.only.lower() in str(cell).lower()]


def _fits_nothing(only: str, cells: Sequence[CellId]) -> UsageError:
    """Ids are long and many, so suggest their parts and not whole ids."""
    words = {word.lower(): word for cell in cells for word in re.split(r"[^\w@]+", str(cell)) if word}
    near = [words[word] for word in difflib.get_close_matches(only.lower(), words, n=WORDS_NAMED_MAX, cutoff=0.5)]
    mend = f"write --only {near[0]}, say" if near else "take an id, or a part of one, from a sweep.json"
    problem = f"none of the {len(cells)} cells has this in its id"
    return UsageError.at("command line", "--only", only, problem, valid=near, mend=mend)


def _named(action: str) -> str:
    return BYTES if action.startswith(CUT_INSIDE) else action


def _sample(cells: Sequence[CellId], count: int, seed: int) -> list[CellId]:
    """Choose `count` of them, in their order."""
    chosen = random.Random(seed).sample(range(len(cells)), count)  # noqa: S311  # repeatable on purpose
    return [cells[index] for index in sorted(chosen)]


def neighbourhood(recording: Recording) -> Sequence[Observed]:
    """Return the messages around the commit: from the statement before it to the end of its answer."""
    messages = recording.messages
    commits = [n for n, message in enumerate(messages) if message.place.phase == "commit"]
    if not commits:
        return ()
    before = [n for n, message in enumerate(messages[: commits[0]]) if message.runs and _is_transactional(message)]
    begin = before[-1] if before else commits[0]
    return messages[begin : commits[-1] + 1]


def _is_transactional(message: Observed) -> bool:
    return SEARCHED.of(message.place.protocol).transactions is not None


def _pairs(recordings: Sequence[Recording], seed: int) -> tuple[list[CellId], list[str]]:
    """Return all pairs around the commit, a sample of the others, and sentences on those left out."""
    by_kind = {recording.kind: recording for recording in recordings}
    if FIRST_OF_PAIR not in by_kind or RETRY not in by_kind:
        return [], [f"all pairs: they need a recording of {FIRST_OF_PAIR} and one of {RETRY}"]
    first, second = by_kind[FIRST_OF_PAIR], by_kind[RETRY]
    near = _product(neighbourhood(first), neighbourhood(second))
    every = _product(first.messages, second.messages)
    known = set(near)
    rest = [pair for pair in every if pair not in known]
    sample = _sample(rest, min(PAIRS_SAMPLED, len(rest)), seed)
    left_out = len(rest) - len(sample)
    said = [f"{left_out} of {len(rest)} pairs away from the commit: a sample by seed {seed}"] if left_out else []
    return [*near, *sample], said


def _product(firsts: Iterable[Observed], seconds: Iterable[Observed]) -> list[CellId]:
    after = [point for message in seconds for point in _paired(message)]
    return [CellId(FIRST_OF_PAIR, point, other) for message in firsts for point in _paired(message) for other in after]


def _paired(message: Observed) -> Iterator[Point]:
    return (point for point in sensible(message) if point.action in PAIRED)
