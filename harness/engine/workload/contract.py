"""Sends each request of the target's contract, with what the service owes for it now."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from harness.checks.facts.exchanges import changed_deliveries, exchanges
from harness.engine.rig import Rig
from harness.engine.tasks import at_once
from harness.engine.workload.changing import Changing
from harness.engine.workload.clients import Answer, Errand
from harness.engine.workload.deliveries import Deliveries, of_one_size, of_the_contract
from harness.engine.workload.outgoing import changed, health_paths, source_of
from harness.engine.workload.payloads import with_another_letter
from harness.errors import UsageError
from harness.history.events import Asks, Purpose
from harness.stack.http.client import HttpClient
from harness.target import Delivery
from harness.target.sections.outcomes import outcome_of
from harness.vocabulary import ABSENT, ACKNOWLEDGED, CONFIRMED, NO_WORD, REJECTED, Outcome

TURNS = 16
AGAIN, TAKEN = "again", "taken"
"""Requests that every target has: a delivery once more, and another body under its id."""
OWED = {
    Asks.DELIVER: CONFIRMED, Asks.READ: ACKNOWLEDGED, Asks.READ_UNSENT: ABSENT, Asks.WRONG: REJECTED,
    Asks.CHANGE: ACKNOWLEDGED,
}  # fmt: skip


def in_turn(names: Sequence[str], turn: int) -> Sequence[str]:
    """This turn's share of the names. `TURNS` turns in a row cover all names."""
    return names[turn % TURNS :: TURNS]


@dataclass(frozen=True, slots=True)
class _Asked:
    """The part of a contract to send: names of right and of wrong requests, and the other senders."""

    right: Sequence[str]
    wrong: Sequence[str]
    senders: Sequence[str]


@dataclass(slots=True)
class Contract:
    """The requests of one run's contract. Its own deliveries are small, and differ from the scenario's.

    `one_by_one`: never send two at once, unless something is broken. So the service keeps the connections that it has.
    """

    rig: Rig
    one_by_one: bool = False
    _fresh: Deliveries = field(init=False)
    _turns: Iterator[int] = field(init=False)
    changing: Changing = field(init=False)

    def __post_init__(self) -> None:
        self._fresh = of_the_contract(self.rig.clients.deliveries.seed)
        self._turns = itertools.count(zlib.crc32(self._fresh.seed.encode()))
        to_change = of_one_size(f"{self.rig.clients.deliveries.seed}/changes")
        self.changing = Changing(self.rig.target.description, to_change)

    def recording(self, rig: Rig) -> Contract:
        """Return the same contract, with a history that continues in another rig of the same service."""
        made = copy.copy(self)
        made.rig, made.changing = rig, self.changing.apart()
        return made

    async def ask_all(self, *, broken: bool, slow: bool = False) -> None:
        """Send every request of the contract once, for the scenario.

        `broken`: the service may answer "not now". `slow`: of the right and the wrong ones only those that take
        seconds.
        """
        asked = _Asked(*self._names(slow=slow), [*self.rig.target.description.identities])
        await self._ask(asked, self._known(own=False), broken=broken, purpose=Purpose.SCENARIO)

    async def ask_in_turn(self, *, own: bool = False) -> None:
        """Send the requests of the contract, but only one in sixteen of the right and the wrong ones. They take turns.

        There are many, and most scenarios have nothing to do with them. Of the other senders only one sends each time.
        Which come first depends on the scenario. `own`: ask about the scenario's last acknowledged delivery; only after
        the rows were read, because a repeat would store a lost one.
        """
        await self.ask_about(self._known(own=own), broken=False)

    async def ask_about(self, known: Sequence[Delivery], *, broken: bool) -> None:
        """Do the same about other, acknowledged deliveries. `broken`: the service may answer "not now"."""
        turn = next(self._turns)
        right, wrong = (in_turn(names, turn) for names in self._names(slow=False))
        senders = [*self.rig.target.description.identities]
        asked = _Asked(right, wrong, senders[turn % len(senders) :][:1] if senders else ())
        await self._ask(asked, known, broken=broken, purpose=Purpose.CONTRACT)

    def _names(self, *, slow: bool) -> tuple[Sequence[str], Sequence[str]]:
        """The right requests and the wrong ones that are slow, or that are not; none that are sent by name only."""
        described = self.rig.target.description
        right = [name for name, each in described.right.items() if each.slow == slow and not each.by_name_only]
        return right, [name for name, each in described.wrong.items() if each.slow == slow and not each.by_name_only]

    async def _ask(self, asked: _Asked, known: Sequence[Delivery], *, broken: bool, purpose: Purpose) -> None:
        """Send all wrong requests at once, and at the same time the others in a few rows, one after the other.

        The order in a row matters: first the delivery, then its read. While something is broken, the requests of all
        rows are sent at once, because a broken service is slow; and the wrong ones after them, when the service knows
        what is broken, and acts accordingly.
        """
        errands = [self._errand(Asks.WRONG, name, broken=broken, purpose=purpose) for name in asked.wrong]
        of_wrong = [[(self._meant(errand.name, known), errand)] for errand in errands]
        rows = [list(row) for row in self._others(asked, known, broken=broken, purpose=purpose)]
        if broken:
            await at_once(self._send_row([each]) for row in rows for each in row)
            rows = of_wrong
        elif self.one_by_one:
            rows = [[each for row in (*of_wrong, *rows) for each in row]]
        else:
            rows = [*of_wrong, *rows]
        await at_once(self._send_row(row) for row in rows)

    def _meant(self, wrong: str, known: Sequence[Delivery]) -> Delivery:
        """The delivery that is changed into a wrong request.

        An accepted one if the request is `altered`, otherwise a new one.
        """
        altered = self.rig.target.description.wrong[wrong].altered
        return known[0] if altered and known else self._fresh.next()

    async def _send_row(self, row: Sequence[tuple[Delivery, Errand]]) -> None:
        """Send one request after the other, over one connection if the service keeps them.

        A wrong request has its own connection, because many services close it with their answer. So has one that is
        followed by something else.
        """
        for delivery, errand in row:
            if self._stays(errand):
                await self.rig.clients.send(delivery, errand)
            elif self._is_alone(errand):
                async with HttpClient(keep_alive=False) as http:
                    await self.rig.clients.send(delivery, dataclasses.replace(errand, over=http))
        others = [asked for asked in row if not self._is_alone(asked[1])]
        if len(others) == 1 or not self.rig.target.description.contract.keeps_connections:
            for delivery, errand in others:
                await self.rig.clients.send(delivery, errand)
            return
        async with HttpClient(keep_alive=True) as http:
            for place, (delivery, errand) in enumerate(others, start=1):
                over = dataclasses.replace(errand, over=http, last=place == len(others))
                await self.rig.clients.send(delivery, over)

    def _stays(self, errand: Errand) -> bool:
        return errand.asks is Asks.WRONG and self.rig.target.description.wrong[errand.name].stays

    def _is_alone(self, errand: Errand) -> bool:
        return errand.asks is Asks.WRONG or (errand.asks is Asks.DELIVER and self._ends_its_connection(errand.name))

    def _ends_its_connection(self, name: str) -> bool:
        """Whether the right delivery of that name is sent on a new connection that the service may close afterwards."""
        right = self.rig.target.description.right.get(name)
        return right is not None and bool(right.ahead or right.behind or right.followed_by)

    async def ask(self, name: str, delivery: Delivery | None, *, broken: bool, expect: Outcome | None) -> Answer:
        """Send one request by its name. `delivery`: the delivery that it is about; None: one that was never sent.

        Raises UsageError for a name that the target does not have, and if a delivery is needed.
        """
        asks = self._asks(name, sent=delivery is not None)
        about = delivery or self._fresh.next()
        if name in self.rig.target.description.right:
            about = changed(about, self.rig.target.description.right[name])
        if name in self.rig.target.description.identities:
            about = self._by_another(name, about)
        if asks is Asks.TAKEN:
            about = self._with_another_body(about)
        errand = self._errand(asks, name, broken=broken, purpose=Purpose.SCENARIO)
        if asks is Asks.DELIVER and expect == REJECTED:
            # By other settings than the usual ones it may be wrong: the check `outcome` judges that.
            errand = dataclasses.replace(errand, owed=None)
        errand = dataclasses.replace(errand, expected=expect)
        if asks is Asks.CHANGE:
            self.rig.clients.versions.require(self.rig.target, about, name)
            about, errand = self.changing.change(about, name, errand)
        return await self.rig.clients.send(about, errand)

    @property
    def names(self) -> Sequence[str]:
        """The names of all requests that `ask` takes."""
        described = self.rig.target.description
        health, senders = health_paths(self.rig.target), described.identities
        return (
            AGAIN,
            TAKEN,
            *described.reads,
            *described.changes,
            *described.right,
            *described.wrong,
            *health,
            *senders,
        )

    def _asks(self, name: str, *, sent: bool) -> Asks:
        described = self.rig.target.description
        if name in (AGAIN, TAKEN, *described.changes) and not sent:
            raise UsageError.at("request", "of", None, f"{name} is about a delivery that was sent", mend="leave it out")
        if name in described.reads:
            return Asks.READ if sent else Asks.READ_UNSENT
        if name in described.wrong:
            return Asks.WRONG
        if name in described.changes:
            return Asks.CHANGE
        if name in health_paths(self.rig.target):
            return Asks.HEALTH
        if name not in (AGAIN, TAKEN, *described.right, *described.identities):
            raise UsageError.at("request", "name", name, "the target has no such request", valid=self.names)
        return Asks.TAKEN if name == TAKEN else Asks.DELIVER

    def _others(
        self, asked: _Asked, known: Sequence[Delivery], *, broken: bool, purpose: Purpose
    ) -> Iterator[Iterator[tuple[Delivery, Errand]]]:
        yield self._right(asked.right, broken=broken, purpose=purpose)
        yield self._without_delivery(broken=broken, purpose=purpose)
        for delivery in known:
            yield self._about(delivery, asked.senders, broken=broken, purpose=purpose)
        yield from self.changing.rows(broken=broken, purpose=purpose)

    def _right(self, right: Sequence[str], *, broken: bool, purpose: Purpose) -> Iterator[tuple[Delivery, Errand]]:
        """Each unusual delivery and its reads. The first one is also read before it is sent.

        If a service remembers what it did not find, it then denies it.
        """
        reads = () if broken else tuple(self.rig.target.description.reads)
        of_round = self._fresh.next()
        for place, name in enumerate(self._in_row(right) if reads else right):
            unusual = self._unusual(name, of_round)
            for read in reads if place == 0 else ():
                yield unusual, self._errand(Asks.READ_UNSENT, read, broken=broken, purpose=purpose)
            yield unusual, self._errand(Asks.DELIVER, name, broken=broken, purpose=purpose)
            for read in reads:
                yield unusual, self._errand(Asks.READ, read, broken=broken, purpose=purpose)

    def _in_row(self, right: Sequence[str]) -> Sequence[str]:
        """These names, beginning with one that keeps its connection; if there is none, with a plain delivery ("")."""
        alone = [name for name in right if self._ends_its_connection(name)]
        return [*([name for name in right if name not in alone] or [""]), *alone]

    def _unusual(self, name: str, of_round: Delivery) -> Delivery:
        """The right delivery with that name. Ids of a round may differ only as their descriptions say."""
        if not name:
            return self._fresh.next()
        meant = self.rig.target.description.right[name]
        return changed(self._fresh.next() if meant.id is None else of_round, meant)

    def _without_delivery(self, *, broken: bool, purpose: Purpose) -> Iterator[tuple[Delivery, Errand]]:
        """Requests about no delivery. `_right` asks for one that is absent, unless something is broken."""
        for name in self.rig.target.description.reads if broken else ():
            yield self._fresh.next(), self._errand(Asks.READ_UNSENT, name, broken=broken, purpose=purpose)
        for name in health_paths(self.rig.target):
            yield self._fresh.next(), self._errand(Asks.HEALTH, name, broken=broken, purpose=purpose)

    def _about(
        self, delivery: Delivery, senders: Sequence[str], *, broken: bool, purpose: Purpose
    ) -> Iterator[tuple[Delivery, Errand]]:
        """The requests about an acknowledged delivery."""
        described = self.rig.target.description
        nearly = dataclasses.replace(delivery, id=delivery.id[:-1])
        for name in described.reads:
            yield delivery, self._errand(Asks.READ, name, broken=broken, purpose=purpose)
            yield nearly, self._errand(Asks.READ_UNSENT, name, broken=broken, purpose=purpose)
        yield delivery, self._errand(Asks.DELIVER, "", broken=broken, purpose=purpose)
        if described.contract.taken_id is not None:
            yield self._with_another_body(delivery), self._errand(Asks.TAKEN, "", broken=broken, purpose=purpose)
        for identity in senders:
            yield from self._of_another(identity, delivery, broken=broken, purpose=purpose)

    def _of_another(
        self, identity: str, delivery: Delivery, *, broken: bool, purpose: Purpose
    ) -> Iterator[tuple[Delivery, Errand]]:
        """Send the same id as another sender, and read it if that is another source."""
        of_other = self._by_another(identity, delivery)
        yield of_other, self._errand(Asks.DELIVER, "", broken=broken, purpose=purpose)
        for name, read in self.rig.target.description.reads.items():
            if (
                of_other.source != delivery.source
                and not broken
                and any("{source}" in text for text in (read.path, *read.headers.values()))
            ):
                yield of_other, self._errand(Asks.READ, name, broken=broken, purpose=purpose)

    def _by_another(self, identity: str, delivery: Delivery) -> Delivery:
        """The same id, from another sender. If that is another source, it is another delivery with another body.

        If that source has sent it before, the same body is sent again. `delivery` may be any source's.
        """
        other = dataclasses.replace(delivery, source=source_of(self.rig.target, identity), identity=identity)
        known = self.rig.clients.sent.get(other.name)
        if known is not None:
            return dataclasses.replace(other, body=known.body)
        return other if other.source == delivery.source else self._with_another_body(other)

    def _errand(self, asks: Asks, name: str, *, broken: bool, purpose: Purpose) -> Errand:
        named = "" if name in (AGAIN, TAKEN, *self.rig.target.description.identities) else name
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
        """The same delivery with a body that differs in its last letter, if it ends like the harness's own bodies."""
        return dataclasses.replace(delivery, body=with_another_letter(delivery.body) or self._fresh.next().body)

    def _known(self, *, own: bool) -> Sequence[Delivery]:
        """One delivery that was acknowledged before the scenario; `own`: the scenario's last one, if it has one."""
        history = self.rig.recorder.history
        there = [e for e in exchanges(history) if e.sent.delivery not in changed_deliveries(history)]
        found = [e for e in there if e.sent.delivers and e.outcome in CONFIRMED]
        before = [e.sent.delivery for e in found if e.sent.purpose == Purpose.HEALTHY]
        sent = [e.sent.delivery for e in found if e.judged] if own else []
        return [self.rig.clients.sent[name] for name in (sent[-1:] or before[:1])]
