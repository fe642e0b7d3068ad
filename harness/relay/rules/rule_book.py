"""The rules of one hop that are in force, and counts of the kinds of messages that the hop saw."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from harness.protocols.contract.frames import Direction
from harness.relay.rules.rule import Rule, folded

SIGHTS_MAX: Final = 4096
WORD_MAX: Final = 40
SIGHTS_TEXT_MAX: Final = 4 * 1024 * 1024  # characters of their texts, in each direction


class ArmedRule:
    """A rule in force: its matches so far, and the bytes that it holds."""

    __slots__ = (
        "_after_fired", "_connections", "holds", "id", "matched", "missed", "prefix", "rule", "serial",
        "spent", "under_way",
    )  # fmt: skip

    def __init__(self, rule: Rule, serial: int, after_fired: Callable[[str], bool]) -> None:
        self.rule = rule
        self.id = rule.id
        self.serial = serial  # rules match in the order in which they were armed
        self.prefix = folded(rule.match.text)
        self.matched = 0
        self.spent = False
        self.holds: list[Releasable] = []  # the one that has waited longest comes first
        self.missed: Counter[str] = Counter()  # why units that fit otherwise did not match
        self.under_way = ""  # what has come of the unit that it acts on, while it waits for the rest
        self._connections: dict[int, int] = {}
        self._after_fired = after_fired

    def note(self, connection: int, values: Sequence[bytes]) -> None:
        """Give a number to a connection on which a fitting message was sent."""
        if self._has(values):
            self._connections.setdefault(connection, len(self._connections) + 1)

    def accepts(self, connection: int, values: Sequence[bytes]) -> bool:
        """Count a unit that fits by name, phase and text; return whether this rule acts on it."""
        match = self.rule.match
        if self.spent:
            return False
        if not self._has(values):
            self.missed[f"no value of it contains {match.having!r}"] += 1
            return False
        number = self._connections.setdefault(connection, len(self._connections) + 1)
        if match.connection not in (None, number):
            self.missed[f"it was on the rule's connection {number}, not {match.connection}"] += 1
            return False
        if match.after is not None and not self._after_fired(match.after):
            self.missed[f"rule {match.after!r} had not fired"] += 1
            return False
        self.matched += 1
        if match.nth not in (None, self.matched):
            self.missed[f"it was number {self.matched}, not {match.nth}"] += 1
            return False
        return True

    def take(self) -> None:
        """Act on a unit. A rule that acts once, or has `nth`, is then used up."""
        self.spent = not self.rule.always or self.rule.match.nth is not None

    def give_back(self) -> None:
        """Undo `take`, because the action could not be carried out."""
        self.spent = False
        self.under_way = ""
        if self.rule.match.nth is not None:
            self.matched -= 1

    def _has(self, values: Sequence[bytes]) -> bool:
        having = self.rule.match.having
        return having is None or any(having in value for value in values)


class Releasable:
    """The bytes that a rule holds on one connection."""

    __slots__ = ("connection",)

    def __init__(self, connection: int) -> None:
        self.connection = connection

    def release(self) -> None:
        """Forward them."""
        raise NotImplementedError


class Sight:
    """One kind of message that the hop saw, and the rules that can concern it, in the order of arming."""

    __slots__ = (
        "answer_rules", "answers_wanted", "count", "direction", "generation", "name", "phase", "rules", "runs", "text",
    )  # fmt: skip

    def __init__(self, direction: Direction, name: str, phase: str, text: str, *, runs: bool) -> None:
        self.direction: Direction = direction
        self.name = name
        self.phase = phase
        self.text = text
        self.runs = runs
        self.count = 0
        self.generation = -1
        self.rules: tuple[ArmedRule, ...] = ()
        self.answer_rules: tuple[ArmedRule, ...] = ()
        """For a sent statement: the rules for its answer, as a whole or message by message."""
        self.answers_wanted = False
        """Whether a rule can concern any answer to this sent message."""


class RuleBook:
    """The rules of a hop. `generation` changes whenever the rules in force change.

    `fired`: ids of the rules that have fired on any hop of the same control connection.
    """

    def __init__(self, fired: set[str] | None = None) -> None:
        self.generation = 0
        self.in_force: dict[Direction, int] = {"sent": 0, "answered": 0}
        self.any_answer = False
        """Whether a rule in force concerns answers to any statement."""
        self._armed: dict[str, ArmedRule] = {}
        self._fired = set[str]() if fired is None else fired
        self._serials = itertools.count(1)
        self._text_size: dict[Direction, int] = {"sent": 0, "answered": 0}
        self._forgotten = Counter[tuple[Direction, str, str, bool]]()  # how many of each kind, of sights no more kept
        self._sights: dict[Direction, dict[tuple[str, str, str], Sight]] = {"sent": {}, "answered": {}}

    def get(self, rule_id: str) -> ArmedRule | None:
        """Return the armed rule with this id."""
        return self._armed.get(rule_id)

    def arm(self, rule: Rule) -> ArmedRule:
        """Put a rule in force, after the others."""
        armed = ArmedRule(rule, next(self._serials), self._fired.__contains__)
        self._armed[rule.id] = armed
        self.changed()
        return armed

    def disarm(self, rule_id: str) -> ArmedRule | None:
        """Take a rule out of force and return it."""
        armed = self._armed.pop(rule_id, None)
        if armed is not None:
            armed.spent = True
            self.changed()
        return armed

    def fired(self, armed: ArmedRule) -> None:
        """Remember that the rule's action was carried out."""
        self._fired.add(armed.id)

    def changed(self) -> None:
        """Make every sight find its rules again when it is next used."""
        self.generation += 1
        current = self._current()
        for direction in self.in_force:
            self.in_force[direction] = sum(1 for armed in current if armed.rule.match.direction == direction)
        self.any_answer = any(armed.rule.match.direction == "answered" and not armed.prefix for armed in current)

    def sight(self, direction: Direction, name: str, phase: str, text: str, *, runs: bool) -> Sight:
        """Return the sight of such messages, with the rules that concern them now."""
        table = self._sights[direction]
        sight = table.get((name, phase, text))
        if sight is None:
            sight = table[name, phase, text] = Sight(direction, name, phase, text, runs=runs)
            self._text_size[direction] += len(text)
            self._forget_oldest(direction)
        self.refresh(sight)
        return sight

    def refresh(self, sight: Sight) -> None:
        """Find the sight's rules again, if the rules in force have changed."""
        if sight.generation != self.generation:
            self._look_up(sight)

    def sights_of(self, direction: Direction) -> Mapping[tuple[str, str, str], Sight]:
        """Return the table of one direction, by name, phase and text. Its sights may need a `refresh`."""
        return self._sights[direction]

    def sights(self) -> Iterator[Sight]:
        """Every kind of message that is remembered."""
        for table in self._sights.values():
            yield from table.values()

    def _forget_oldest(self, direction: Direction) -> None:
        """Forget the oldest kinds.

        A service that writes values into its statements makes a new kind with each value.
        """
        table = self._sights[direction]
        if len(table) > SIGHTS_MAX or self._text_size[direction] > SIGHTS_TEXT_MAX:
            for key in list(itertools.islice(table, len(table) // 4 + 1)):  # many at once, so that this is rare
                self._text_size[direction] -= len(key[2])
                forgotten = table.pop(key)
                self._forgotten[_kind(forgotten)] += forgotten.count

    def kinds(self) -> Mapping[tuple[Direction, str, str, bool], int]:
        """How many messages there were of each kind: direction, name, first word of the text, whether it runs."""
        found = Counter(self._forgotten)
        for sight in self.sights():
            found[_kind(sight)] += sight.count
        return found

    def _current(self) -> list[ArmedRule]:
        return [armed for armed in self._armed.values() if not armed.spent]

    def _look_up(self, sight: Sight) -> None:
        sight.generation = self.generation
        current = self._current()
        fitting = [armed for armed in current if _fits_text(armed, sight.text)]
        sight.answers_wanted = any(armed.rule.match.direction == "answered" for armed in fitting)
        fitting = [armed for armed in fitting if _fits_phase(armed, sight)]
        sight.rules = tuple(armed for armed in fitting if _fits_message(armed, sight))
        sight.answer_rules = ()
        if sight.direction == "sent" and sight.runs:
            sight.answer_rules = tuple(armed for armed in fitting if armed.rule.match.direction == "answered")


def _fits_text(armed: ArmedRule, text: str) -> bool:
    return not armed.prefix or folded(text).startswith(armed.prefix)


def _fits_phase(armed: ArmedRule, sight: Sight) -> bool:
    return armed.rule.match.phase in (None, sight.phase)


def _fits_message(armed: ArmedRule, sight: Sight) -> bool:
    match = armed.rule.match
    if match.direction != sight.direction:
        return False
    if match.message is None:  # a whole answer is found by its statement
        return sight.runs and sight.direction == "sent"
    return match.message == sight.name


def _kind(sight: Sight) -> tuple[Direction, str, str, bool]:
    word, *_ = sight.text.split(None, 1) or ("",)
    return sight.direction, sight.name, word.rstrip(";").upper()[:WORD_MAX], sight.runs
