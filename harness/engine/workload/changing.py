"""The deliveries that the harness changes and removes, and the requests about them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from harness.engine.workload.clients import Errand
from harness.engine.workload.deliveries import Deliveries
from harness.history.events import Asks, Purpose
from harness.target import Delivery
from harness.target.description import TargetDescription
from harness.vocabulary import ABSENT, ACKNOWLEDGED, CONFIRMED, NO_WORD, REJECTED, Outcome

GONE = ABSENT | REJECTED
"""The allowed answers to a read of a removed delivery."""
Row = Iterator[tuple[Delivery, Errand]]


@dataclass(slots=True)
class Changing:
    """Knows which deliveries may be changed, and which were changed while something was broken.

    A fault must strike a delivery that was stored and read before, because the service may have it in a cache. So a few
    are prepared while nothing is broken. They are read again when nothing is broken any more.
    """

    described: TargetDescription
    fresh: Deliveries
    _ready: list[Delivery] = field(init=False, default_factory=list)
    _changed: list[Delivery] = field(init=False, default_factory=list)

    def apart(self) -> Changing:
        """Return the same for another history, which does not know what this one has sent."""
        return Changing(self.described, self.fresh)

    def rows(self, *, broken: bool, purpose: Purpose) -> Iterator[Row]:
        """Each row of requests, one after the other; nothing if the target describes no change.

        While something is broken each change is sent once, for a separate delivery, as long as some are ready.
        """
        if not self.described.changes:
            return
        if broken:
            for name in self.described.changes:
                if self._ready:
                    yield iter([self._change(self._ready.pop(), name, ACKNOWLEDGED | NO_WORD, purpose)])
            return
        yield self._life(purpose)
        yield self._afterwards(purpose)

    def change(self, delivery: Delivery, name: str, errand: Errand) -> tuple[Delivery, Errand]:
        """Return a change of any delivery. The delivery is read again after the fault is healed."""
        self._changed.append(delivery)
        return self._another_body(delivery, name), errand

    def _change(self, delivery: Delivery, name: str, owed: Outcome, purpose: Purpose) -> tuple[Delivery, Errand]:
        return self.change(delivery, name, Errand(purpose=purpose, asks=Asks.CHANGE, name=name, owed=owed))

    def _another_body(self, delivery: Delivery, name: str) -> Delivery:
        if self.described.changes[name].removes:
            return delivery
        return dataclasses.replace(delivery, body=self.fresh.next().body)

    def _life(self, purpose: Purpose) -> Row:
        """One delivery is stored, changed in each way, and removed at the end; it is read after each step."""
        delivery = self.fresh.next()
        yield from self._stored(delivery, purpose)
        for name in self._in_order():
            removes = self.described.changes[name].removes
            now = self._another_body(delivery, name)
            yield now, Errand(purpose=purpose, asks=Asks.CHANGE, name=name, owed=ACKNOWLEDGED)
            yield from self._read(now, GONE if removes else ACKNOWLEDGED, purpose)
            if removes:  # a client that had no answer sends it again
                yield now, Errand(purpose=purpose, asks=Asks.CHANGE, name=name, owed=ACKNOWLEDGED | GONE)
                return

    def _in_order(self) -> Sequence[str]:
        """The changes; the removing ones come last."""
        return sorted(self.described.changes, key=lambda name: self.described.changes[name].removes)

    def _afterwards(self, purpose: Purpose) -> Row:
        """Read the deliveries that were changed meanwhile, and prepare others in their place."""
        while self._changed:
            yield from self._read(self._changed.pop(0), ACKNOWLEDGED | GONE, purpose)
        for _ in range(len(self.described.changes) - len(self._ready)):
            delivery = self.fresh.next()
            yield from self._stored(delivery, purpose)
            self._ready.append(delivery)

    def _stored(self, delivery: Delivery, purpose: Purpose) -> Row:
        yield delivery, Errand(purpose=purpose, owed=CONFIRMED)
        yield from self._read(delivery, ACKNOWLEDGED, purpose)

    def _read(self, delivery: Delivery, owed: Outcome, purpose: Purpose) -> Row:
        for name in self.described.reads:
            yield delivery, Errand(purpose=purpose, asks=Asks.READ_CHANGED, name=name, owed=owed)
