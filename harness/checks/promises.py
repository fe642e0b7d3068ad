"""The order of events that every history must have. Without it a verdict means nothing.

The heal comes after the fault, and recovery after the heal. Evidence has a declared kind, and comes while its fault is
in force. The rows are read both before and after the deliveries are sent again. If a history breaks this order, the
harness itself failed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.faults.fault import Fault
from harness.history import History
from harness.history.events import (
    Asks,
    EvidenceSeen,
    FaultActed,
    FaultHealed,
    NotRecovered,
    Purpose,
    Recovered,
    RequestEnded,
    RequestSent,
    RowsRead,
    RowsUnknown,
)
from harness.vocabulary import Value

__all__ = ["out_of_order", "strange_evidence", "unread_rows"]

CLOCK_ROUNDING_NS = 1_000
"""`FaultActed.took_ms` is rounded."""


@dataclass(frozen=True, slots=True)
class _Acted:
    """A fault, its place in the history, and when the harness began with it."""

    seq: int
    fault: Value
    began_ns: int

    @property
    def kinds(self) -> tuple[str, ...] | None:
        """The evidence that its class declares; None for a point or an order, which are not in the vocabulary."""
        return tuple(each.kind for each in self.fault.evidence) if isinstance(self.fault, Fault) else None


def _acted(history: History) -> Mapping[int, _Acted]:
    """The faults by their numbers."""
    return {
        acted.number: _Acted(entry.seq, acted.fault, entry.t_ns - int(acted.took_ms * 1e6))
        for entry, acted in history.placed(FaultActed)
    }


def strange_evidence(history: History) -> Iterator[str]:
    """Yield evidence that proves nothing: its fault is unknown, its kind is not declared, or it is too early."""
    faults = _acted(history)
    for entry, seen in history.placed(EvidenceSeen):
        acted = faults.get(seen.number)
        if acted is None:
            yield f"evidence {seen.what} is of fault {seen.number}, which never acted"
        elif acted.kinds is not None and seen.what not in acted.kinds:
            yield f"{acted.fault!r} left evidence {seen.what}; it declares {', '.join(acted.kinds) or 'none'}"
        elif acted.began_ns - entry.t_ns > CLOCK_ROUNDING_NS:
            early_ms = (acted.began_ns - entry.t_ns) / 1e6
            yield f"evidence {seen.what} of {acted.fault!r} is {early_ms:.3f} ms older than the fault"


def out_of_order(history: History) -> Iterator[str]:
    """Yield each fault that acted and was not healed, and a recovery that did not follow the last heal."""
    faults = _acted(history)
    healed = {event.number: entry.seq for entry, event in history.placed(FaultHealed)}
    for number, acted in faults.items():
        if healed.get(number, -1) < acted.seq:
            yield f"{acted.fault!r} was never healed"
    for number in healed.keys() - faults.keys():
        yield f"fault {number} was healed, and never acted"
    recoveries = [entry.seq for kind in (Recovered, NotRecovered) for entry in history.entries_of(kind)]
    first = min(recoveries, default=math.inf)
    for number, acted in faults.items():
        if first < acted.seq:
            yield f"recovery came before {acted.fault!r} acted"
        elif first < healed.get(number, -1):
            yield f"recovery came before {acted.fault!r} was healed"


def unread_rows(history: History) -> Iterator[str]:
    """Yield the missing readings of the rows: after the scenario's requests, or after the repeats."""
    readings = sorted(entry.seq for kind in (RowsRead, RowsUnknown) for entry in history.entries_of(kind))
    if not readings:
        yield "what is stored was never read"
        return
    over = max(_sent(history, Purpose.SCENARIO).values(), default=-1)
    again = _sent(history, Purpose.AGAIN)
    repeated = min([*again, *(at for at in _asked_of_its_own(history) if over < at)], default=math.inf)
    if not any(over < reading < repeated for reading in readings):
        first = " and before deliveries were sent again, which hides what was lost" if again else ""
        yield f"what is stored was never read after the scenario's last request{first}"
    if again and readings[-1] < max(again.values()):
        yield "what is stored was never read after deliveries were sent again"


def _asked_of_its_own(history: History) -> Iterator[int]:
    """The places at which a request of the contract was sent that may store one of the scenario's own deliveries."""
    sent = list(history.placed(RequestSent))
    own = {each.delivery for _, each in sent if each.purpose == Purpose.SCENARIO}
    for entry, each in sent:
        if each.purpose == Purpose.CONTRACT and each.delivery in own and each.asks in (Asks.DELIVER, Asks.TAKEN):
            yield entry.seq


def _sent(history: History, purpose: Purpose) -> Mapping[int, int]:
    """The places at which each such request was sent, and at which it ended."""
    ends = {ended.request: entry.seq for entry, ended in history.placed(RequestEnded)}
    return {
        entry.seq: max(entry.seq, ends.get(sent.request, 0))
        for entry, sent in history.placed(RequestSent)
        if sent.purpose == purpose
    }
