"""How many of the scenario's deliveries met a fault that strikes at every such message."""

from __future__ import annotations

from dataclasses import dataclass

from harness.checks.facts.exchanges import exchanges
from harness.faults.messages.message import MessageFault
from harness.history import Entry, History
from harness.history.events import EvidenceSeen, FaultActed, FaultHealed
from harness.vocabulary import NOT_STORED

__all__ = ["Share", "share_of"]


@dataclass(frozen=True, slots=True)
class Share:
    """How many deliveries met the fault, came while it was in force, or were refused without meeting it."""

    met: int
    of: int
    turned_away: int

    @property
    def told(self) -> str:
        """In words: `21 of 40 deliveries met it; 19 were turned away before`."""
        away = f"; {self.turned_away} {'was' if self.turned_away == 1 else 'were'} turned away before"
        return f"{self.met} of {self.of} deliveries met it{away if self.turned_away else ''}"


def share_of(history: History, number: int) -> Share | None:
    """Return how many met the fault with this number.

    None if all did, if some messages name no delivery, and for a fault that strikes once or not at messages.
    """
    acted = next((entry for entry, each in history.placed(FaultActed) if each.number == number), None)
    fault = acted.event.fault if acted is not None and isinstance(acted.event, FaultActed) else None
    if acted is None or not isinstance(fault, MessageFault) or not fault.every_one:
        return None
    met = _met(history, number)
    sent: dict[str, list[bool]] = {}
    for each in exchanges(history):
        if each.judged and each.sent.delivers and _overlaps(each.span, acted, _healed_ns(history, number)):
            refused = each.outcome in NOT_STORED
            sent.setdefault(each.sent.delivery_id, []).append(refused)
    missed = sent.keys() - met
    if "" in met or not missed or len(missed) == len(sent):
        return None
    return Share(len(sent) - len(missed), len(sent), sum(all(sent[name]) for name in missed))


def _met(history: History, number: int) -> set[str]:
    found: set[str] = set()
    for seen in history.of(EvidenceSeen):
        if seen.number == number:
            found.update(seen.deliveries or ([seen.at.delivery] if seen.at is not None else [""]))
    return found


def _healed_ns(history: History, number: int) -> int:
    healed = (entry.t_ns for entry, each in history.placed(FaultHealed) if each.number == number)
    return next(healed, history.entries[-1].t_ns)


def _overlaps(span: tuple[int, int], acted: Entry, healed_ns: int) -> bool:
    return span[1] >= acted.t_ns and span[0] <= healed_ns
