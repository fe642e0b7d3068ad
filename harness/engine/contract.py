"""Sends each request of the target's contract, with what the service owes for it now."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from harness.checks.exchanges import exchanges
from harness.engine.deliveries import Deliveries, of_one_size
from harness.engine.outgoing import health_paths, source_of
from harness.engine.rig import Rig
from harness.engine.tasks import at_once
from harness.engine.workload import Answer, Errand
from harness.errors import UsageError
from harness.history.events import Asks, Purpose
from harness.target import Delivery
from harness.target.outcomes import outcome_of
from harness.vocabulary import ABSENT, ACKNOWLEDGED, CONFIRMED, NO_WORD, REJECTED, Outcome

AGAIN, TAKEN = "again", "taken"
"""Requests that every target has: a delivery once more, and another body under its id."""
OWED = {Asks.DELIVER: CONFIRMED, Asks.READ: ACKNOWLEDGED, Asks.READ_UNSENT: ABSENT, Asks.WRONG: REJECTED}


@dataclass(slots=True)
class Contract:
    """The requests of one run's contract. Its own deliveries are small, and other than the scenario's."""

    rig: Rig
    _fresh: Deliveries = field(init=False)

    def __post_init__(self) -> None:
        self._fresh = of_one_size(f"{self.rig.clients.deliveries.seed}/contract")

    async def ask_all(self, *, broken: bool, own: bool = False, purpose: Purpose = Purpose.CONTRACT) -> None:
        """Send every request of the contract once: one after the other, or at once while something is broken.

        A broken service takes its time for each. `broken`: it may answer "not now". `own`: ask about the scenario's
        last acknowledged delivery, too; only after the rows were read, because a repeat would store a lost one.
        """
        wanted = list(self._all(self._known(own=own), broken=broken, purpose=purpose))
        if broken:
            await at_once(self.rig.clients.send(delivery, errand) for delivery, errand in wanted)
            return
        for delivery, errand in wanted:
            await self.rig.clients.send(delivery, errand)

    async def ask(self, name: str, delivery: Delivery | None, *, broken: bool, expect: Outcome | None) -> Answer:
        """Send one request by its name. `delivery`: what it is about; None: one that was never sent.

        Raises UsageError for a name that the target does not have, and for a delivery that is needed.
        """
        asks = self._asks(name, sent=delivery is not None)
        about = delivery or self._fresh.next()
        if asks is Asks.TAKEN:
            about = self._with_another_body(about)
        errand = self._errand(asks, name, broken=broken, purpose=Purpose.SCENARIO)
        return await self.rig.clients.send(about, dataclasses.replace(errand, expected=expect))

    @property
    def names(self) -> Sequence[str]:
        """The names of all requests that `ask` takes."""
        described = self.rig.target.description
        return (AGAIN, TAKEN, *described.reads, *described.wrong, *health_paths(self.rig.target))

    def _asks(self, name: str, *, sent: bool) -> Asks:
        described = self.rig.target.description
        if name in (AGAIN, TAKEN) and not sent:
            raise UsageError.at("request", "of", None, f"{name} is about a delivery that was sent", mend="leave it out")
        if name in described.reads:
            return Asks.READ if sent else Asks.READ_UNSENT
        if name in described.wrong:
            return Asks.WRONG
        if name in health_paths(self.rig.target):
            return Asks.HEALTH
        if name not in (AGAIN, TAKEN):
            raise UsageError.at("request", "name", name, "the target has no such request", valid=self.names)
        return Asks.TAKEN if name == TAKEN else Asks.DELIVER

    def _all(self, known: Sequence[Delivery], *, broken: bool, purpose: Purpose) -> Iterator[tuple[Delivery, Errand]]:
        described = self.rig.target.description
        for name in described.wrong:
            yield self._fresh.next(), self._errand(Asks.WRONG, name, broken=broken, purpose=purpose)
        for name in described.reads:
            yield self._fresh.next(), self._errand(Asks.READ_UNSENT, name, broken=broken, purpose=purpose)
        for delivery in known:
            yield from self._about(delivery, broken=broken, purpose=purpose)
        for name in health_paths(self.rig.target):
            yield self._fresh.next(), self._errand(Asks.HEALTH, name, broken=broken, purpose=purpose)

    def _about(self, delivery: Delivery, *, broken: bool, purpose: Purpose) -> Iterator[tuple[Delivery, Errand]]:
        """What is asked about a delivery that was acknowledged."""
        described = self.rig.target.description
        for name in described.reads:
            yield delivery, self._errand(Asks.READ, name, broken=broken, purpose=purpose)
        yield delivery, self._errand(Asks.DELIVER, "", broken=broken, purpose=purpose)
        if described.contract.taken_id is not None:
            yield self._with_another_body(delivery), self._errand(Asks.TAKEN, "", broken=broken, purpose=purpose)
        for identity in described.identities:
            source = source_of(self.rig.target, identity)
            of_other = dataclasses.replace(delivery, source=source, identity=identity)
            yield of_other, self._errand(Asks.DELIVER, "", broken=broken, purpose=purpose)

    def _errand(self, asks: Asks, name: str, *, broken: bool, purpose: Purpose) -> Errand:
        named = "" if asks in (Asks.DELIVER, Asks.TAKEN) else name
        return Errand(purpose=purpose, asks=asks, name=named, owed=self._owed(asks, broken=broken))

    def _owed(self, asks: Asks, *, broken: bool) -> Outcome | None:
        if asks is Asks.HEALTH:
            return None if broken else ACKNOWLEDGED
        if asks is Asks.TAKEN:
            taken = self.rig.target.description.contract.taken_id
            owed = None if taken is None else outcome_of(taken)
        else:
            owed = OWED[asks]
        return owed if owed is None or not broken else owed | NO_WORD

    def _with_another_body(self, delivery: Delivery) -> Delivery:
        return dataclasses.replace(delivery, body=self._fresh.next().body)

    def _known(self, *, own: bool) -> Sequence[Delivery]:
        """One delivery that was acknowledged before the scenario; `own`: and the last that the scenario sent."""
        found = [e for e in exchanges(self.rig.recorder.history) if e.sent.delivers and e.outcome in CONFIRMED]
        before = [e.sent.delivery for e in found if e.sent.purpose == Purpose.HEALTHY]
        sent = [e.sent.delivery for e in found if e.judged] if own else []
        return [self.rig.clients.sent[name] for name in dict.fromkeys([*before[:1], *sent[-1:]])]
