"""What is broken, and in which order: the most important breaks first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.search import SEARCHED
from harness.protocols.contract.standard import STANDARD
from harness.relay import Action, Cut, Delay, DropAndClose, Fail, Match, Rule
from harness.wrap.sweep.statements import WRITE, Statement

Kind = Literal["answer_lost", "cut_before", "error", "refused", "delay"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
WORDS: Final[dict[Kind, str]] = {
    "answer_lost": "carried out, and its answer is lost with the connection",
    "cut_before": "the connection is cut before it arrives",
    "error": "answered with an error of the server's",
    "refused": "the server refuses every connection",
    "delay": "answered two seconds late",
}
DELAY_MS: Final = 2000
RULE: Final = "break"


@dataclass(frozen=True, slots=True)
class Cell:
    """One break: of a statement, or of a whole server. `again`: it is the last of several equal statements."""

    server: str
    kind: Kind
    statement: Statement | None = None
    again: bool = False

    def __str__(self) -> str:
        return f"{self.server if self.statement is None else self.statement}/{self.kind}"

    @property
    def words(self) -> str:
        """What is done, in words."""
        return WORDS[self.kind]

    def rule(self, hop: str) -> Rule | None:
        """The relay's rule; None for `refused`."""
        if self.statement is None:
            return None
        action, sent = _action(self.kind, self.statement)
        match = Match(direction="sent" if sent else "answered", text=self.statement.text, nth=self.statement.nth)
        return Rule(id=RULE, hop=hop, match=match, action=action)


def _action(kind: Kind, statement: Statement) -> tuple[Action, bool]:
    """The relay's action, and whether it acts on the sent message."""
    error = error_for(statement)
    match kind:
        case "cut_before":
            return Cut(), True
        case "error" if error is not None:
            return Fail(error.code, error.text, error.fatal), True
        case "delay":
            return Delay(delay_ms=DELAY_MS), False
        case _:
            return DropAndClose(), False


def error_for(statement: Statement) -> ServerError | None:
    """An error that the server may answer, if possible a transient one."""
    searched = SEARCHED.of(statement.protocol)
    errors = [each for each in (*searched.repeatable, *searched.errors) if not each.fatal]
    return errors[0] if errors and STANDARD.of(statement.protocol).may_err(statement.text) else None


@dataclass(frozen=True, slots=True)
class Plan:
    """The breaks in their order. `thinned`: how many statements are equal to others that are broken."""

    cells: Sequence[Cell]
    thinned: int


def plan(statements: Sequence[Statement], servers: Sequence[str], only: str = "") -> Plan:
    """Choose the breaks. `only`: a part of their ids."""
    groups: dict[tuple[str, str, str], list[Statement]] = {}
    for statement in statements:
        groups.setdefault((statement.server, statement.shape, statement.context), []).append(statement)
    chosen: list[tuple[Statement, bool]] = []
    for group in groups.values():
        chosen += [(group[0], False), *((each, True) for each in group[1:][-1:])]
    cells = [Cell(server, "refused") for server in servers]
    cells += [cell for statement, again in chosen for cell in _cells_of(statement, again=again)]
    kept = [cell for cell in sorted(cells, key=_order) if only in str(cell)]
    broken = {cell.statement for cell in kept if cell.statement is not None}
    thinned = sum(len(group) - len(broken.intersection(group)) for group in groups.values() if broken & set(group))
    return Plan(kept, thinned)


def _cells_of(statement: Statement, *, again: bool) -> Iterator[Cell]:
    kinds: Iterable[Kind] = (kind for kind in KINDS if kind != "refused")
    for kind in kinds:
        if kind != "error" or error_for(statement) is not None:
            yield Cell(statement.server, kind, statement, again)


def _order(cell: Cell) -> tuple[object, ...]:
    """Delays are slow and come last; first occurrences come before others; then the kind of statement counts."""
    statement = cell.statement
    telling, position = (WRITE, -1) if statement is None else (statement.telling, statement.position)
    return cell.kind == "delay", cell.again, telling, position, KINDS.index(cell.kind)
